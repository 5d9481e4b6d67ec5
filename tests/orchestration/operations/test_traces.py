"""One reference finds everything that was done for an order, whichever process did it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from uuid import UUID

import httpx
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.trace import SpanKind

from satcom.core.database import Database
from satcom.core.entity import new_id
from satcom.core.errors import Refused
from satcom.core.traces import ENDPOINTS, of_flow, set_up_traces, span
from satcom.resource.drivers.hub_nms import HubNmsDriver
from satcom.resource.drivers.port import DriverRefused
from satcom.supplychain.drivers.port import PartnerRefused
from satcom.supplychain.drivers.tmf_partner import TmfPartnerDriver


@contextmanager
def a_collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """Where spans are sent in the protocol of OpenTelemetry, and what came."""
    came: list[ExportTraceServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            came.append(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()


def attributes(span: Span) -> dict[str, str]:
    return {one.key: one.value.string_value for one in span.attributes}


def test_everything_done_for_an_order_is_in_one_trace(database: Database, tmp_path: Path) -> None:
    with a_collector() as (address, came):
        command = [sys.executable, "-m", "tests.orchestration.operations.a_traced_order", database.url, str(tmp_path)]
        chosen = {"OTEL_EXPORTER_OTLP_ENDPOINT": address, "OTEL_EXPORTER_OTLP_COMPRESSION": "none"}
        done = subprocess.run(command, env=os.environ | chosen, capture_output=True, text=True, check=True)
    flow_id, reference, state = done.stdout.split()[-3:]
    assert state == "completed"
    resources = [one for request in came for one in request.resource_spans]
    assert {attribute.value.string_value for one in resources for attribute in one.resource.attributes} >= {
        "satcom-test"
    }
    spans = [span for one in resources for scope in one.scope_spans for span in scope.spans]
    assert {span.trace_id for span in spans} == {UUID(flow_id).bytes}
    assert {attributes(span)["satcom.order"] for span in spans} == {reference}
    names = {span.name for span in spans}
    assert {"advance", "task qualify_again", "task reserve_all_or_none", "task configure_hub"} <= names
    within = {span.span_id: span for span in spans}
    asked = next(span for span in spans if span.name == "task qualify_again")
    assert within[asked.parent_span_id].name == "advance"
    assert next(span for span in spans if span.name == "task configure_hub").kind == Span.SPAN_KIND_CLIENT


def test_the_hub_and_a_partner_are_told_the_trace_of_the_order() -> None:
    """`traceparent` as W3C Trace Context has it, so that their own traces join ours."""
    flow_id, heard = new_id(), list[httpx.Request]()

    def refuse(request: httpx.Request) -> httpx.Response:
        heard.append(request)
        return httpx.Response(404, json={"code": "unknown", "reason": "there is none"})

    calls = httpx.MockTransport(refuse)
    with (
        span("task end_at_partner", SpanKind.CLIENT, of_flow(flow_id)),
        TmfPartnerDriver("http://partner.example", "token", transport=calls) as partner,
        HubNmsDriver("http://hub.example", "token", transport=calls) as hub,
    ):
        with pytest.raises(PartnerRefused):
            partner.end("1", f"{flow_id}:end_at_partner:1")
        with pytest.raises(DriverRefused):
            hub.measure("1", f"{flow_id}:measure_link:1")
    assert {one.url.host for one in heard} == {"partner.example", "hub.example"}
    assert {one.headers["traceparent"].split("-")[1] for one in heard} == {UUID(flow_id).hex}


def test_without_a_collector_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert not set_up_traces("satcom-test")


def test_what_sends_spans_is_asked_for_by_name_when_it_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENDPOINTS[0], "http://127.0.0.1:4318")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(Refused, match="is not installed") as refused:
        set_up_traces("satcom-test")
    assert refused.value.faults[0].accepted == "satcom[traces]"
