"""Faults as people are told them: with file, entry, line and key, and a wrong column once for its file."""

import re
from dataclasses import dataclass, field, replace

from satcom.app.loading.files import Entry
from satcom.core.errors import Fault


@dataclass
class Told:
    """The faults so far, in the order in which they were found."""

    faults: list[Fault] = field(default_factory=list)
    _once: dict[tuple[str, str, str], list[int]] = field(default_factory=dict)  # where it is told, and how often met

    def add(self, entry: Entry, word: str, fault: Fault) -> None:
        """Keep a fault of an entry; what is wrong with a key in all entries of a file is one fault."""
        if not self._of_the_whole_file(entry, word, fault):
            self.faults.append(replace(fault, field=entry.at(word)))
            return
        key = (entry.file, re.sub(r"\.\d+(?=\.)", "", word), fault.code)
        met = self._once.setdefault(key, [len(self.faults), 0])
        met[1] += 1
        if met[1] > 1:
            return
        where, why = entry.at(word), fault.why
        if entry.columns:
            where, why = f"{entry.file}: line 1: {word}", why.replace("no such key", "no such column")
        self.faults.append(replace(fault, field=where, why="the column is missing" if why == "missing" else why))

    def _of_the_whole_file(self, entry: Entry, word: str, fault: Fault) -> bool:
        if fault.code == "missing" and entry.columns:
            steps = word.split(".")
            above = {".".join(steps[:depth]) for depth in range(1, len(steps) + 1)}
            return not above & set(entry.columns)
        return fault.code == "unknown"

    def all(self) -> list[Fault]:
        """Every fault, and of those of a whole file how many entries have it."""
        told = list(self.faults)
        for where, count in self._once.values():
            if count > 1:
                told[where] = replace(told[where], why=f"{told[where].why} (so in {count} entries)")
        return told
