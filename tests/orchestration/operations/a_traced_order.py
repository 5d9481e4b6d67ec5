"""Delivers one order in a process of its own, which sends its spans where the environment says."""

import sys
from pathlib import Path

from opentelemetry import trace

from satcom.app import declarations
from satcom.core.database import Database
from satcom.core.traces import set_up_traces
from tests.orchestration.operations.an_order_to_service import an_operation


def main(url: str, folder: str) -> None:
    assert declarations.ROUTES
    assert set_up_traces("satcom-test")
    database = Database(url, 4)
    with an_operation(database, Path(folder)) as operation:
        flow, _ = operation.advance(operation.order())
        sys.stdout.write(f"{flow.id} {flow.reference} {flow.state}\n")
    trace.get_tracer_provider().shutdown()  # type: ignore[attr-defined]
    database.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
