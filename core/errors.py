"""What is refused, and how it is said.

One exception for every refusal: which field, why, and what would be accepted. It becomes the TMF630 error body in
`core.tmf_api` and a line on the terminal in `app.cli`, where `Unable` is a line, too. Anything else that is raised is
a bug and is let through.

    Refused            400  the input is wrong, or a rule of the business says no (422 where the words are right)
    |- NotFound        404
    |- NotAllowed      403  the caller's roles do not cover it
    |- Unauthenticated 401
    |- WrongState      409  the life cycle has no such move
    `- Outdated        412  somebody else changed it first
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong. `field` is a JSON pointer into the body, or the name of a parameter or attribute."""

    field: str
    why: str
    code: str = "invalid"
    accepted: str | None = None

    @property
    def line(self) -> str:
        """As a person reads it."""
        return f"{self.field}: {self.why}" + (f" (accepted: {self.accepted})" if self.accepted else "")


class Refused(Exception):
    """The one refusal. Holds every fault that was found, not only the first."""

    status: ClassVar[int] = 400

    def __init__(self, field: str, why: str, code: str = "invalid", accepted: str | None = None) -> None:
        self.faults: tuple[Fault, ...] = (Fault(field, why, code, accepted),)
        super().__init__(f"{field}: {why}" + (f" (accepted: {accepted})" if accepted else ""))

    @classmethod
    def all(cls, faults: list[Fault]) -> "Refused":
        """One refusal with many faults. `faults` holds at least one."""
        first = faults[0]
        refused = cls(first.field, first.why, first.code, first.accepted)
        refused.faults = tuple(faults)
        refused.args = ("; ".join(f"{fault.field}: {fault.why}" for fault in faults),)
        return refused


class RuleRefused(Refused):
    """The words are right, but a rule of the business says no."""

    status = 422


class InHouse(RuleRefused):
    """A refusal whose words are the operator's own business, a cost for example; others are `told` less."""

    def __init__(self, field: str, why: str, code: str, told: str, accepted: str | None = None) -> None:
        super().__init__(field, why, code, accepted)
        self.told = told


class Unauthenticated(Refused):
    status = 401

    def __init__(self, why: str) -> None:
        super().__init__("Authorization", why, "unauthenticated", "Authorization: Bearer TOKEN")


class NotAllowed(Refused):
    status = 403

    def __init__(self, why: str) -> None:
        super().__init__("role", why, "notAllowed")


class NotFound(Refused):
    status = 404

    def __init__(self, what: str, identifier: str) -> None:
        super().__init__("id", f"there is no {what} {identifier[:80]!r}", "notFound")


class WrongState(Refused):
    status = 409


class Outdated(Refused):
    status = 412


class Unavailable(Refused):
    """Somebody who has to be asked cannot be reached; asking again later may help."""

    status = 503

    def __init__(self, what: str, why: str) -> None:
        super().__init__(what, why, "unavailable")


class Unable(Exception):
    """It cannot be done now. The text says why, and what to do, to whoever typed the command.

    What somebody else refused comes with his `faults`, and they are the text.
    """

    faults: tuple[Fault, ...] = ()

    def __str__(self) -> str:
        return "\n".join(one.line for one in self.faults) or super().__str__()
