"""Refusals in the words of who typed the command: the option or the argument, not the field of the API behind it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from satcom.core.errors import Fault, Refused, Unable


@contextmanager
def as_typed(options: Mapping[str, str]) -> Iterator[None]:
    """Within, a fault of a field, or of what is below it, is one of the option or argument that `options` names.

    Of several that fit the longest counts. A field that is not among them stays as it is: nobody typed it.
    """
    try:
        yield
    except (Refused, Unable) as refused:
        refused.faults = tuple(_typed(one, options) for one in refused.faults)
        raise


def _typed(fault: Fault, options: Mapping[str, str]) -> Fault:
    above = [field for field in options if fault.field == field or fault.field.startswith(f"{field}/")]
    return replace(fault, field=options[max(above, key=len)]) if above else fault
