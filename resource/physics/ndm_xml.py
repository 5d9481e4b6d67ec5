"""Navigation data messages in XML: their tags and leaves, one after the other, with the line of each.

Document type declarations are refused: no message needs one. Words: CCSDS 505.0-B.
"""

import re
from abc import ABC, abstractmethod
from xml.parsers import expat

from satcom.resource.physics.orbit import BadLine


class NdmXml(ABC):
    """Told of each tag as it opens and closes; a leaf comes with its text."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler = self._opened
        self._parser.EndElementHandler = self._closed
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._leaf, self._said = "", ""

    @abstractmethod
    def opens(self, tag: str, unit: str | None, line: int) -> None:
        """`unit` is what the attribute `units` says."""

    @abstractmethod
    def closes(self, tag: str, said: str | None, line: int) -> None:
        """`said` is the text of a leaf, nothing for a tag that holds others."""

    def read(self, text: str) -> BadLine | None:
        """Read it to its end, or to where it is no XML; the fault."""
        # the declaration may name another encoding than that of the text, which is decoded already
        body = re.sub(r"\A\ufeff?\s*<\?xml[^>]*\?>", lambda head: "\n" * head[0].count("\n"), text)
        try:
            self._parser.Parse(body, True)
        except (expat.ExpatError, ValueError) as wrong:
            return BadLine(self._parser.CurrentLineNumber, f"no XML: {wrong}")
        return None

    def _opened(self, tag: str, attributes: dict[str, str]) -> None:
        self._leaf, self._said = tag, ""
        self.opens(tag, attributes.get("units"), self._parser.CurrentLineNumber)

    def _text(self, said: str) -> None:
        self._said += said

    def _closed(self, tag: str) -> None:
        said = self._said.strip() if self._leaf == tag else None
        self._leaf = ""
        self.closes(tag, said, self._parser.CurrentLineNumber)

    def _doctype(self, *_: object) -> None:
        raise ValueError("a document type declaration is not read")
