"""Metrics for Prometheus: bounded label sets, seconds and counts. What the database knows is read at each scrape."""

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry(auto_describe=True)

http_requests = Counter(
    "satcom_http_requests", "HTTP requests answered", ["method", "route", "status"], registry=REGISTRY
)
http_seconds = Histogram("satcom_http_request_seconds", "Time to answer", ["method", "route"], registry=REGISTRY)
task_seconds = Histogram(
    "satcom_task_seconds",
    "Time a task of a plan ran",
    ["task", "outcome"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30),
    registry=REGISTRY,
)
task_retries = Counter("satcom_task_retries", "Outside calls to be made again", ["task"], registry=REGISTRY)
events_delivered = Counter(
    "satcom_events_delivered", "Events that a listener has taken", ["document"], registry=REGISTRY
)
event_failures = Counter("satcom_event_failures", "Events that did not arrive, by why", ["why"], registry=REGISTRY)
sweep_failures = Counter(
    "satcom_sweep_failures", "What the sweep could not do, by what it was about to", ["task"], registry=REGISTRY
)
