"""Lists on the terminal: nothing that a person copies is cut or broken, at any width; a pipe has no edge."""

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.text import Text

from satcom.app.listing import ENDLESS, Listing, screen

WORDS = st.text(st.characters(codec="ascii", categories=("L", "N")), min_size=1, max_size=40)
CELLS = st.lists(WORDS, max_size=4).map(" ".join)
ROWS = st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4)
UUID = "01a22938-7aca-7252-85ce-ec896c05d6c6"


def printed(listing: Listing, width: int) -> list[str]:
    written = io.StringIO()
    listing.print_on(Console(file=written, width=width))
    return written.getvalue().splitlines()


def listing_of(rows: list[tuple[str, str, str]]) -> Listing:
    listing = Listing("order", "waits for", "id", right={"id"})
    for row in rows:
        listing.add(*row)
    return listing


@given(rows=ROWS, width=st.integers(10, 120))
def test_every_word_stands_whole_in_its_row_at_any_width(rows: list[tuple[str, str, str]], width: int) -> None:
    lines = printed(listing_of(rows), width)
    there = sorted(" ".join(lines).split())
    for word in {word for row in rows for cell in row for word in cell.split()}:
        asked = [each for row in rows for cell in row for each in cell.split() if each == word]
        assert there.count(word) >= len(asked)
    assert max(map(len, lines)) <= max(width, 44), "the longest word, and before it an indent"


@given(rows=ROWS)
def test_a_row_is_one_line_in_a_pipe(rows: list[tuple[str, str, str]]) -> None:
    lines = printed(listing_of(rows), ENDLESS)
    assert [line.split() for line in lines[1:]] == [" ".join(row).split() for row in rows]
    assert screen().width == ENDLESS


def test_what_finds_no_room_stands_below_with_its_name() -> None:
    listing = Listing("name", "roles", "expires", "state", "id")
    listing.add("demonstration", "administrator, noc, sales", "2026-12-01", "", UUID)
    assert printed(listing, 80) == [
        "name           roles                      expires     state",
        "demonstration  administrator, noc, sales  2026-12-01",
        f"  id {UUID}",
    ]
    assert printed(listing, 40) == [
        "name           roles",
        "demonstration  administrator, noc, sales",
        "  expires 2026-12-01",
        "  id",
        f"    {UUID}",
    ]


def test_a_name_of_several_words_is_not_wrapped_where_it_is_copied() -> None:
    names = ("transponder", "carriers of")
    listing, wrapping = Listing(*names, whole={"transponder"}), Listing(*names)
    for one in (listing, wrapping):
        one.add("Eutelsat Konnect Ka Katanga forward", "Lualaba Copper, Fouta Logistics")
    assert "Eutelsat Konnect Ka Katanga forward" in printed(listing, 50)[1]
    assert "Eutelsat Konnect Ka Katanga forward" not in printed(wrapping, 50)[1]


def test_text_is_shown_as_it_is_and_numbers_stand_below_each_other() -> None:
    listing = Listing("who", "MHz", right={"MHz"})
    listing.add("[red]Savanna", "3.5")
    listing.add(Text("Kamoto", "bold"), "12.25")
    assert printed(listing, 80) == ["who             MHz", "[red]Savanna    3.5", "Kamoto        12.25"]


def test_where_there_is_no_row_it_says_so() -> None:
    written = io.StringIO()
    Listing("order").print_on(Console(file=written), "there is no order yet")
    assert written.getvalue() == "there is no order yet\n"
