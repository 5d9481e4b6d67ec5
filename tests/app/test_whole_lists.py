"""What a command lists, it lists whole: page by page, since the API gives a thousand at once."""

import httpx
import pytest

from satcom.app.commands.api import MOST_AT_ONCE, Api


@pytest.mark.parametrize("there", [0, 1, MOST_AT_ONCE - 1, MOST_AT_ONCE, MOST_AT_ONCE + 1, 3 * MOST_AT_ONCE])
def test_a_list_of_any_length_comes_whole_once_and_in_its_order(there: int) -> None:
    rows = [{"id": str(number)} for number in range(there)]

    def served(request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        assert (asked["country"], asked["sort"]) == ("CD", "id")
        offset = int(asked["offset"])
        return httpx.Response(206, json=rows[offset : offset + min(int(asked["limit"]), MOST_AT_ONCE)])

    with Api("http://127.0.0.1:9", "a token", httpx.MockTransport(served)) as api:
        assert api.get_all("/licence", country="CD", sort="id") == rows
