"""A long array is answered as its points are, however it is cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.resource.physics.pieces import in_pieces

SHAPES = (((), ()), ((7,), ()), ((7,), (7,)), ((3, 7), (7,)), ((3, 1), (7,)), ((3, 7), (3, 1)), ((0,), (0,)))


@pytest.mark.parametrize(("first", "second"), SHAPES)
@given(piece=st.integers(1, 40))
def test_pieces_answer_as_the_whole(first: tuple[int, ...], second: tuple[int, ...], piece: int) -> None:
    lots = np.random.default_rng(piece)
    a, b = lots.random(first), lots.random(second)
    whole = a - 2 * b
    assert in_pieces(lambda x, y: x - 2 * y, piece, a, b) == pytest.approx(whole, abs=0)
    assert in_pieces(lambda x, y: x - 2 * y, piece, a, b).shape == whole.shape


def test_a_piece_has_about_so_many_points() -> None:
    sizes: list[int] = []

    def look(points: np.ndarray) -> np.ndarray:
        sizes.append(points.size)
        return points

    in_pieces(look, 10, np.ones((2, 50)))
    assert sizes == [10] * 10
