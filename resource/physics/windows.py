"""Windows in time of satellites at sites, as arrays: what searches give, and what plans are made of."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

CUT_S = 0.02  # by so much two searches may differ in the edge that they share


@dataclass(frozen=True)
class Windows:
    """One entry a window: the places of satellite and site in their lists, and seconds after the start asked for."""

    satellite: IntArray
    site: IntArray
    rise_s: Array
    set_s: Array

    def __len__(self) -> int:
        return len(self.rise_s)

    @property
    def duration_s(self) -> Array:
        return self.set_s - self.rise_s

    def where(self, chosen: NDArray[np.bool_] | IntArray) -> "Windows":
        """Only those chosen by a mask, or by their places."""
        return Windows(*(getattr(self, one.name)[chosen] for one in fields(self)))

    @staticmethod
    def joined(parts: Sequence["Windows"]) -> "Windows":
        """All windows of all parts, one part after the other."""
        if not parts:
            nothing = np.empty(0, np.int64)
            return Windows(nothing, nothing, np.empty(0), np.empty(0))
        return Windows(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(Windows)))

    def sorted(self) -> "Windows":
        """By satellite, site and rise."""
        return self.where(np.lexsort((self.rise_s, self.site, self.satellite)))

    def within(self, first_s: float, last_s: float) -> "Windows":
        """Cut to a span; what lies outside is left out."""
        rise_s, set_s = np.maximum(self.rise_s, first_s), np.minimum(self.set_s, last_s)
        inside = set_s > rise_s
        return Windows(self.satellite[inside], self.site[inside], rise_s[inside], set_s[inside])

    def mended(self) -> "Windows":
        """Those that a search cut at an instant are one again, though both sides found it for themselves; sorted."""
        ordered = self.sorted()
        same = (ordered.satellite[1:] == ordered.satellite[:-1]) & (ordered.site[1:] == ordered.site[:-1])
        goes_on = same & (ordered.rise_s[1:] - ordered.set_s[:-1] <= CUT_S)
        first = np.concatenate([[True], ~goes_on]) if len(ordered) else np.empty(0, np.bool_)
        last = np.concatenate([~goes_on, [True]]) if len(ordered) else first
        return Windows(ordered.satellite[first], ordered.site[first], ordered.rise_s[first], ordered.set_s[last])

    def renumbered(self, satellites: IntArray, sites: IntArray) -> "Windows":
        """Places in a part of the fleet and of the sites become places in the whole."""
        return Windows(satellites[self.satellite], sites[self.site], self.rise_s, self.set_s)
