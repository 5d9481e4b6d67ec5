"""When a product can end, and what it costs to end it early: by the terms that it was sold under."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from satcom.core.clock import months_later
from satcom.core.errors import RuleRefused
from satcom.core.values import Money
from satcom.market.catalog.offering_term import (
    DAY,
    EARLY_TERMINATION,
    MINIMUM_TERM,
    MONTH,
    NOTICE_PERIOD,
    Duration,
    Term,
    agreed_terms,
    begun,
    offering_term_faults,
)
from satcom.market.catalog.product_offering import ProductOffering
from satcom.market.order_item import check_bound_long_enough
from satcom.market.pricing import PriceType
from satcom.market.solution_price import ChargePrice, Price
from satcom.market.termination import bound_until, earliest_end, early_termination, months_left

START = datetime(2027, 1, 31, 9, 0, tzinfo=UTC)
PRICES = [
    ChargePrice(name=name, price_type=kind, price=Price(duty_free_amount=Money(unit="USD", value=Decimal(amount))))
    for name, kind, amount in (
        ("Capacity", PriceType.RECURRING, "1000.00"),
        ("Platform", PriceType.RECURRING, "200.00"),
        ("Installation", PriceType.ONE_TIME, "2800.00"),
    )
]


def a_term(name: str, amount: int, units: str = MONTH) -> Term:
    return Term(name=name, duration=Duration(amount=Decimal(amount), units=units))


def test_a_duration_is_told_as_the_integer_that_the_document_has() -> None:
    told = Duration.model_validate({"amount": 12.0, "units": MONTH}).wire()
    assert repr(told["amount"]) == "12", "12.0 is no integer to every reader"


def sold(*terms: Term, bound_months: int | None = None) -> list[Term]:
    """As a product has them that was handed over at `START`."""
    return begun(agreed_terms(terms, bound_months), START)


def charged(terms: list[Term], end: datetime) -> Decimal | None:
    charge = early_termination(terms, PRICES, end, Decimal(16))
    return None if charge is None else charge.price.duty_free_amount.value


def test_whoever_leaves_early_is_charged_the_months_that_are_left() -> None:
    terms = sold(a_term(MINIMUM_TERM, 12))
    assert bound_until(terms) == datetime(2028, 1, 31, 9, 0, tzinfo=UTC)
    assert charged(terms, datetime(2027, 10, 31, 9, 0, tzinfo=UTC)) == Decimal("3600.00")
    assert charged(terms, datetime(2028, 1, 31, 9, 0, tzinfo=UTC)) is None


def test_not_more_months_are_charged_than_early_termination_names() -> None:
    terms = sold(a_term(MINIMUM_TERM, 12), a_term(EARLY_TERMINATION, 2))
    assert charged(terms, datetime(2027, 6, 30, 9, 0, tzinfo=UTC)) == Decimal("2400.00")
    free = sold(a_term(MINIMUM_TERM, 12), a_term(EARLY_TERMINATION, 0))
    assert charged(free, datetime(2027, 6, 30, 9, 0, tzinfo=UTC)) is None


def test_who_is_bound_by_nothing_pays_nothing() -> None:
    assert charged(sold(), START + timedelta(days=1)) is None
    assert earliest_end(sold(), START) == START


def test_who_binds_itself_for_longer_than_the_offer_asks_is_bound_for_longer() -> None:
    assert bound_until(sold(a_term(MINIMUM_TERM, 12), bound_months=36)) == datetime(2030, 1, 31, 9, 0, tzinfo=UTC)
    assert bound_until(sold(a_term(MINIMUM_TERM, 12), bound_months=6)) == datetime(2028, 1, 31, 9, 0, tzinfo=UTC)
    assert bound_until(sold(bound_months=6)) == datetime(2027, 7, 31, 9, 0, tzinfo=UTC)


def test_notice_takes_effect_after_its_period() -> None:
    terms = sold(a_term(NOTICE_PERIOD, 30, DAY))
    assert earliest_end(terms, START) == START + timedelta(days=30)
    assert earliest_end(sold(a_term(NOTICE_PERIOD, 3)), START) == datetime(2027, 4, 30, 9, 0, tzinfo=UTC)


@given(
    start=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    months=st.integers(0, 60),
    days=st.integers(0, 27),
)
def test_the_months_that_are_left_are_whole_months_and_the_days_of_one(start: datetime, months: int, days: int) -> None:
    left = months_left(start, months_later(start, months) + timedelta(days=days))
    assert months <= left < months + 1
    assert (left == months) == (days == 0)


@pytest.mark.parametrize(
    ("term", "field"),
    [
        (a_term(MINIMUM_TERM, 30, DAY), "/productOfferingTerm/0/duration/units"),
        (a_term(NOTICE_PERIOD, -1, DAY), "/productOfferingTerm/0/duration/amount"),
        (a_term(EARLY_TERMINATION, 181), "/productOfferingTerm/0/duration/amount"),
        (Term(name=MINIMUM_TERM), "/productOfferingTerm/0/duration/units"),
    ],
)
def test_an_offering_lists_no_term_that_cannot_be_reckoned(term: Term, field: str) -> None:
    assert field in {fault.field for fault in offering_term_faults([term])}


def test_one_term_is_listed_once() -> None:
    twice = [a_term(NOTICE_PERIOD, 1), a_term(NOTICE_PERIOD, 2)]
    assert [fault.code for fault in offering_term_faults(twice)] == ["duplicate"]
    assert offering_term_faults([a_term(NOTICE_PERIOD, 1), Term(name="Repair within 8 h")]) == []


def test_nobody_binds_himself_for_less_than_the_offer_asks() -> None:
    offering = ProductOffering(name="Dedicated SCPC link", product_offering_term=[a_term(MINIMUM_TERM, 12)])
    for months in (None, 12, 36):
        check_bound_long_enough(offering, months, "/itemTerm/0")
    with pytest.raises(RuleRefused) as refused:
        check_bound_long_enough(offering, 3, "/itemTerm/0")
    assert [(one.field, one.code, one.accepted) for one in refused.value.faults] == [
        ("/itemTerm/0", "tooShort", "12 months or more, or nothing")
    ]
