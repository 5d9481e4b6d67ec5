"""Listeners of events as metrics: how many there are, what waits for them, and for how long."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from sqlmodel import Session

from satcom.core.listener import ListenerState
from satcom.core.listener_standing import backlog


def listener_metrics(session: Session) -> Iterator[GaugeMetricFamily]:
    listeners = GaugeMetricFamily("satcom_listeners", "Listeners of events", labels=["state"])
    waiting = GaugeMetricFamily("satcom_listener_backlog", "Changes that wait to be told", labels=["state"])
    age = GaugeMetricFamily("satcom_listener_backlog_seconds", "Age of the oldest that waits", labels=["state"])
    counted = {state: figures for state, *figures in backlog(session)}
    for state in ListenerState:
        for family, figure in zip((listeners, waiting, age), counted.get(state.value, (0, 0, 0.0)), strict=True):
            family.add_metric([state.value], figure)
    yield from (listeners, waiting, age)
