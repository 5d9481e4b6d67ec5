"""A price list applied to quantities."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.core.errors import RuleRefused
from satcom.core.values import Json, Money, TimePeriod
from satcom.market.pricing import ListPrice, PriceType, PriceUnit, Quantities, capacity, list_faults, price, round_money

IN_2026, IN_2028, IN_2030 = (datetime(year, 1, 1, tzinfo=UTC) for year in (2026, 2028, 2030))
UNTIL_2028 = TimePeriod(start_date_time=IN_2026, end_date_time=IN_2028)
FROM_2028 = TimePeriod(start_date_time=IN_2028, end_date_time=IN_2030)


def monthly(amount: str, period: TimePeriod | None = None, **only_for: tuple[Json, ...]) -> ListPrice:
    money = Money(unit="USD", value=Decimal(amount))
    return ListPrice(
        amount, "capacity", PriceType.RECURRING, money, PriceUnit.MEGAHERTZ, valid_for=period, only_for=only_for
    )


def once(name: str, amount: str, currency: str = "USD", **only_for: tuple[Json, ...]) -> ListPrice:
    return ListPrice(name, name, PriceType.ONE_TIME, Money(unit=currency, value=Decimal(amount)), only_for=only_for)


ONE_MHZ = capacity(1e6, 1e6, 1e6, {"band": "Ku"})


def refused_codes(prices: list[ListPrice], quantities: Quantities, at: datetime) -> list[str]:
    with pytest.raises(RuleRefused) as refused:
        price(prices, quantities, at)
    assert all(fault.field.startswith("/productOfferingPrice") for fault in refused.value.faults)
    return [fault.code for fault in refused.value.faults]


@given(occupied_hz=st.floats(0, 1e9), equivalent_hz=st.floats(0, 1e9))
def test_the_larger_of_bandwidth_and_power_is_paid(occupied_hz: float, equivalent_hz: float) -> None:
    offer = price([monthly("2900")], capacity(occupied_hz, equivalent_hz, 0, {}), IN_2026)
    assert float(offer.per_month.value) == pytest.approx(max(occupied_hz, equivalent_hz) * 2900e-6, abs=0.01)


def per_hour(amount: str, unit: PriceUnit = PriceUnit.MEGAHERTZ_MINUTE) -> ListPrice:
    return ListPrice("time", "time", PriceType.ONE_TIME, Money(unit="USD", value=Decimal(amount)), unit, Decimal(60))


@given(minutes=st.integers(1, 10_000), megahertz=st.integers(1, 72))
def test_booked_time_is_charged_to_the_minute(minutes: int, megahertz: int) -> None:
    booked = Quantities({PriceUnit.MINUTE: Decimal(minutes), PriceUnit.MEGAHERTZ_MINUTE: Decimal(minutes * megahertz)})
    for listed, counted in ((per_hour("24.00"), megahertz), (per_hour("24.00", PriceUnit.MINUTE), 1)):
        offer = price([listed], booked, IN_2026)
        assert abs(offer.one_time.value - Decimal(24 * minutes * counted) / 60) <= Decimal("0.005")


def test_time_is_charged_where_it_is_booked_and_months_where_it_goes_on() -> None:
    assert refused_codes([per_hour("24.00")], ONE_MHZ, IN_2026) == ["notBooked"]
    booked = Quantities({PriceUnit.MINUTE: Decimal(90), PriceUnit.MEGAHERTZ_MINUTE: Decimal(90)})
    assert refused_codes([per_hour("24.00"), monthly("2900")], booked, IN_2026) == ["booked"]


@given(amounts=st.lists(st.decimals(0, 10**6, places=4), min_size=1, max_size=8))
def test_a_total_is_the_sum_of_what_its_lines_show(amounts: list[Decimal]) -> None:
    offer = price([once(f"item {index}", str(amount)) for index, amount in enumerate(amounts)], ONE_MHZ, IN_2026)
    assert offer.one_time.value == sum(line.amount.value for line in offer.lines)
    assert offer.per_month.value == 0
    assert all(line.amount.value == line.amount.value.quantize(Decimal("0.01")) for line in offer.lines)


@pytest.mark.parametrize(
    ("currency", "given_amount", "kept"),
    [("USD", "2.125", "2.12"), ("USD", "2.135", "2.14"), ("XAF", "2.5", "2"), ("KWD", "1.0005", "1.000")],
)
def test_amounts_are_rounded_half_to_even_to_the_minor_unit(currency: str, given_amount: str, kept: str) -> None:
    assert str(round_money(Decimal(given_amount), currency).value) == kept


def test_a_line_explains_itself() -> None:
    (line,) = price([monthly("2900")], capacity(3.7125e6, 2e6, 14e6, {}), IN_2026).lines
    assert line.explanation == "3.7125 MHz at 2,900.00 USD per MHz and month = 10,766.25 USD"
    (line,) = price([once("installation", "2800")], ONE_MHZ, IN_2026).lines
    assert line.explanation == "1 at 2,800.00 USD = 2,800.00 USD"
    (line,) = price([replace(once("hub port", "450"), price_type=PriceType.RECURRING)], ONE_MHZ, IN_2026).lines
    assert line.explanation == "1 at 450.00 USD per month = 450.00 USD"
    (line,) = price([replace(monthly("2900"), per=Decimal(10))], ONE_MHZ, IN_2026).lines
    assert line.explanation == "1 MHz at 2,900.00 USD per 10 MHz and month = 290.00 USD"


def test_a_price_ends_where_the_next_begins() -> None:
    prices = [monthly("2900", UNTIL_2028), monthly("2700", FROM_2028)]
    assert list_faults(prices) == []
    for moment, amount in ((IN_2026, 2900), (IN_2028, 2700)):
        assert price(prices, ONE_MHZ, moment).per_month.value == amount


def test_nothing_is_given_away_when_a_price_has_ended() -> None:
    assert refused_codes([once("terminal", "10"), monthly("2900", UNTIL_2028)], ONE_MHZ, IN_2028) == ["noPrice"]
    assert refused_codes([], ONE_MHZ, IN_2026) == ["noPrice"]


def test_what_is_charged_once_does_not_stand_for_what_is_charged_each_month() -> None:
    prices = [once("capacity", "500"), monthly("2900", UNTIL_2028)]  # one name, two charges
    assert refused_codes(prices, ONE_MHZ, IN_2028) == ["noPrice"]


def test_nothing_is_given_away_when_no_price_fits_the_choice() -> None:
    terminals = [once("big", "100", terminal=("big",)), once("small", "10", terminal=("small",)), monthly("1")]
    assert price(terminals, Quantities({}, {"terminal": "small"}), IN_2026).one_time.value == 10
    assert refused_codes(terminals, Quantities({}, {"terminal": "huge"}), IN_2026) == ["noPrice"]
    assert refused_codes(terminals, Quantities({}, {}), IN_2026) == ["noPrice"]


def test_an_offer_is_in_one_currency() -> None:
    assert refused_codes([once("a", "1"), once("b", "1", "EUR")], ONE_MHZ, IN_2026) == ["severalCurrencies"]


def test_a_charge_is_not_priced_twice_for_the_same_sale() -> None:
    assert refused_codes([monthly("1", UNTIL_2028), monthly("2")], ONE_MHZ, IN_2026) == ["priceTwice"]
    assert list_faults([monthly("1", band=("C",)), monthly("2", band=("Ku", "Ka"))]) == []
    assert [one.code for one in list_faults([monthly("1", band=("C", "Ku")), monthly("2", band=("Ku",))])] == [
        "priceTwice"
    ]
