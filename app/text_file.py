"""Text files that somebody names in a command: read as UTF-8, or refused in the words of who typed it."""

from pathlib import Path
from typing import Final

from satcom.core.errors import Refused

LARGEST_BYTES: Final = 100_000_000  # a whole catalogue of element sets as XML has 60 MB


def text_of(typed: str, file: Path) -> str:
    """The text of the file, without its byte order mark. Raises `Refused` on `typed`, the option or the argument."""
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise Refused(typed, f"{file} is too large", "tooLarge", f"up to {LARGEST_BYTES // 1_000_000} MB")
        return file.read_text(encoding="utf-8-sig")
    except OSError as wrong:
        raise Refused(typed, f"{file} cannot be read: {wrong.strerror}", "unreadable") from wrong
    except UnicodeDecodeError as wrong:
        raise Refused(typed, f"{file} is no text in UTF-8", "unreadable") from wrong
