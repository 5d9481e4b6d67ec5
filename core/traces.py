"""Traces for a collector of OpenTelemetry: one for each order, over all processes that work on it.

The trace of an order has the id of its flow, so that everything done for it is found under one id however long it
takes; each span carries the order's reference, too. Whom we call is told by the header `traceparent`. Spans are sent
where the variables of OpenTelemetry say (OTEL_EXPORTER_OTLP_ENDPOINT); without them they cost next to nothing.
"""

import os
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from importlib import import_module
from typing import Final
from uuid import UUID

import structlog
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.trace import NonRecordingSpan, Span, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from satcom.core.errors import Refused

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
SENDERS: Final = ("sdk.trace", "sdk.trace.export", "exporter.otlp.proto.http.trace_exporter")
HALF: Final = 2**64 - 1
_tracer = trace.get_tracer("satcom")
_served: ContextVar[Span | None] = ContextVar("served", default=None)


@contextmanager
def span(
    name: str, kind: SpanKind = SpanKind.INTERNAL, parent: Context | None = None, **told: str | int | bool
) -> Iterator[Span]:
    """What is done within the block. It knows what the log lines know: the order, the request."""
    known = {f"satcom.{key}": str(value) for key, value in structlog.contextvars.get_contextvars().items()}
    attributes = known | {f"satcom.{key}": value for key, value in told.items()}
    with _tracer.start_as_current_span(name, context=parent, kind=kind, attributes=attributes) as current:
        served = _served.set(current) if kind is SpanKind.SERVER else None
        try:
            yield current
        finally:
            if served is not None:
                _served.reset(served)


def of_flow(flow_id: str) -> Context:
    """The trace of an order, whoever works on it and whenever."""
    number = UUID(flow_id).int
    root = SpanContext(number, number & HALF, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    return trace.set_span_in_context(NonRecordingSpan(root))


def of_caller(headers: Mapping[str, str]) -> Context:
    """The trace that a request came with, if it came with one."""
    return propagate.extract(headers)


def tell_callee(headers: MutableMapping[str, str]) -> None:
    """Add `traceparent`."""
    propagate.inject(headers)


def about_order(reference: str) -> None:
    """The request that is answered is about an order, which was not known when it came."""
    served = _served.get()  # libraries begin spans of their own below it
    if served is not None:
        served.set_attribute("satcom.order", reference)


def failed(current: Span, why: str) -> None:
    current.set_status(Status(StatusCode.ERROR, why[:200]))


def set_up_traces(service: str) -> bool:
    """Send spans as the environment says; whether it says so.

    Raises `Refused` when it does and what sends them is not installed: an extra, and slow to import.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return False
    try:
        sdk, export, otlp = (import_module(f"opentelemetry.{name}") for name in SENDERS)
    except ImportError as missing:
        names = " or ".join(ENDPOINTS)
        raise Refused(names, f"is set, and {missing.name} is not installed", "missing", "satcom[traces]") from missing
    os.environ.setdefault("OTEL_SERVICE_NAME", service)
    provider = sdk.TracerProvider()
    provider.add_span_processor(export.BatchSpanProcessor(otlp.OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return True


def with_trace(_: object, __: str, line: MutableMapping[str, object]) -> MutableMapping[str, object]:
    """A log line within a span that is sent names its trace."""
    told = trace.get_current_span().get_span_context()
    if told.is_valid and not told.is_remote:
        line["trace"] = f"{told.trace_id:032x}"
    return line
