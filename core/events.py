"""Events inside the program: how a lower layer tells an upper one.

`announce` calls the handlers at once, in the caller's transaction: what was done and what follows from it exist
together or not at all. What goes out to other systems is read from the change log, not from here.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from sqlmodel import Session

Event = TypeVar("Event")
_handlers: dict[type, list[Callable[[Session, object], None]]] = defaultdict(list)


def on(kind: type[Event]) -> Callable[[Callable[[Session, Event], None]], Callable[[Session, Event], None]]:
    """Register a handler for events of `kind`."""

    def register(handler: Callable[[Session, Event], None]) -> Callable[[Session, Event], None]:
        def call(session: Session, event: object) -> None:
            if isinstance(event, kind):
                handler(session, event)

        _handlers[kind].append(call)
        return handler

    return register


def announce(session: Session, event: object) -> None:
    """Tell whoever listens. A handler that refuses makes the whole command refuse."""
    for handler in _handlers[type(event)]:
        handler(session, event)
