"""A solution's price: its terminal is found under whichever name the list has, amounts of any length are kept."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.core.loading import loaded_id
from satcom.core.values import Money
from satcom.market.pricing import ListPrice, PriceType, PriceUnit
from satcom.market.solution_price import TERMINAL_TYPE, price_by_list, terminal_name
from tests.market.a_market import a_priced_solution

TODAY = datetime(2026, 6, 1, tzinfo=UTC)


def a_list_price(amount: Decimal, unit: PriceUnit, per: Decimal = Decimal(1), terminal: str = "") -> ListPrice:
    money = Money(unit="USD", value=amount)
    only_for = {TERMINAL_TYPE: (terminal,)} if terminal else {}
    return ListPrice("1", "charge", PriceType.RECURRING, money, unit, per, only_for=only_for)


@pytest.mark.parametrize("name", ["term-ku-180", "Ku 1.80 m, 8 W", loaded_id("TerminalType", "term-ku-180")])
def test_a_terminal_is_priced_by_its_id_its_name_or_the_name_it_was_loaded_under(name: str) -> None:
    loaded = {"terminal_type_id": loaded_id("TerminalType", "term-ku-180")}
    solution = a_priced_solution("Ku 1.80 m, 8 W").model_copy(update=loaded)
    other = a_list_price(Decimal(1), PriceUnit.EACH, terminal="term-ku-240")
    its_own = a_list_price(Decimal(2), PriceUnit.EACH, terminal=name)
    assert terminal_name(solution, [other, its_own]) == name
    assert price_by_list([other, its_own], solution, TODAY).per_month.value == Decimal(2)


@given(amount=st.decimals(0, 10**6, places=2), hertz=st.integers(1, 10**9), per=st.integers(1, 1000))
def test_what_is_charged_is_the_price_times_the_bandwidth(amount: Decimal, hertz: int, per: int) -> None:
    listed = a_list_price(amount, PriceUnit.MEGAHERTZ, Decimal(per))
    charged = price_by_list([listed], a_priced_solution(charged_bandwidth_hz=hertz), TODAY).per_month.value
    assert abs(charged * per * 1_000_000 - amount * hertz) <= Decimal("0.005") * per * 1_000_000
