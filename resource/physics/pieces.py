"""Long arrays a piece at a time, so that what is computed of each point stays in the processor's cache."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def in_pieces(of: Callable[..., Array], piece: int, *given: Array) -> Array:
    """`of(*given)`, where each piece of the last axis has about so many points. The arrays broadcast."""
    shape = np.broadcast_shapes(*(one.shape for one in given))
    step = max(1, piece * shape[-1] // max(1, math.prod(shape))) if shape else 1
    if not shape or shape[-1] <= step:
        return np.broadcast_to(of(*given), shape)
    whole = np.empty(shape)
    for first in range(0, shape[-1], step):
        at = slice(first, first + step)
        whole[..., at] = of(*(one[..., at] if one.ndim and one.shape[-1] > 1 else one for one in given))
    return whole
