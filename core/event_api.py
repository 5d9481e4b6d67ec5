"""The APIs whose events can be heard: of every official document that is offered, and our own. Each has its hub."""

from dataclasses import dataclass, field

from satcom.core.entity import OWN_PREFIX, Entity, shape
from satcom.core.tmf_document import TmfDocument, tmf_document


@dataclass(frozen=True)
class EventApi:
    """`name` is kept with each listener: "TMF622", or of our own APIs their path, "supplyChain/v1"."""

    name: str
    title: str
    base_path: str
    document: TmfDocument | None = field(default=None, compare=False)

    @property
    def domain(self) -> str:
        """As its events call it."""
        return self.base_path.split("/")[2]

    @property
    def official_events(self) -> frozenset[str]:
        return self.document.events if self.document else frozenset()

    @property
    def content(self) -> tuple[str, ...]:
        """Under which names an event carries its resource: `event`, and what the document calls it otherwise."""
        return ("event",) if self.document is None else tuple(dict.fromkeys(("event", self.document.event_content)))

    def attributes(self, kind: type[Entity]) -> frozenset[str]:
        """What a condition on the events of `kind` may name."""
        official: frozenset[str] = frozenset()
        if self.document is not None and kind.api.event_definition is not None:
            official = self.document.attributes(kind.api.event_definition)
        return official | shape(kind).by_wire.keys() | {"id", "href", "@type"}


def event_api(name: str) -> EventApi:
    """The API that a listener's `document` names."""
    if "/" in name:
        return EventApi(name, "of our own", f"{OWN_PREFIX}/{name}")
    document = tmf_document(name)
    return EventApi(name, document.title, document.base_path, document)


def event_api_of(kind: type[Entity]) -> EventApi:
    """Where the events of `kind` are heard."""
    api = kind.api
    return event_api(api.document.name if api.document else api.base_path.removeprefix(f"{OWN_PREFIX}/"))
