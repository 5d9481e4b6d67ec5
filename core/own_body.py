"""The body of a write at a path of our own, where no official document says what may stand in it."""

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from satcom.core.errors import Refused
from satcom.core.values import Json
from satcom.core.wrong_value import wrong_value


class OwnBody(BaseModel):
    """What a client sends: camelCase, and nothing that is not named."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="forbid", frozen=True)


B = TypeVar("B", bound=OwnBody)


def own_body(kind: type[B], body: dict[str, Json]) -> B:
    """The body as `kind`. Raises `Refused` with every fault."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        faults = [wrong_value(one, "/" + "/".join(map(str, one["loc"]))) for one in error.errors(include_url=False)]
        raise Refused.all(faults) from error
