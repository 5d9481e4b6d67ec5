"""Navigation data messages in keyword = value notation (KVN): a line each, with its number.

Words: CCSDS 502.0-B-3 section 7.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from satcom.resource.physics.orbit import BadLine

COMMENT = "COMMENT"
_COMMENT = re.compile(r"COMMENT(?:\s+(.*))?")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_KEY_AND_VALUE = re.compile(r"([A-Z0-9_]+)\s*=\s*(.*?)\s*(?:\[([^\]]*)\])?")


@dataclass(frozen=True)
class KvnLine:
    """A keyword with its value, and what stands in brackets; a comment under the keyword `COMMENT`."""

    number: int
    keyword: str
    value: str
    unit: str


def kvn_lines(text: str) -> Iterator[KvnLine | BadLine]:
    """All but the empty ones."""
    for number, raw in enumerate(text.lstrip("\ufeff").splitlines(), start=1):
        line = raw.strip()
        found = _KEY_AND_VALUE.fullmatch(line)
        comment = _COMMENT.fullmatch(line)
        if _CONTROL.search(line):
            yield BadLine(number, f"{line[:40]!r} holds a control character")
        elif comment:
            yield KvnLine(number, COMMENT, comment[1] or "", "")
        elif found:
            yield KvnLine(number, found[1], found[2], found[3] or "")
        elif line:
            yield BadLine(number, f"{line[:40]!r} is no keyword = value")
