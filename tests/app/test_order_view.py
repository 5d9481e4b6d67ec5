"""An order as the command line tells it."""

import io

import pytest
from rich.console import Console

from satcom.app.commands.order_view import described
from satcom.core.values import Json


def total(value: float, period: str | None = None) -> Json:
    price: dict[str, Json] = {"price": {"dutyFreeAmount": {"value": value, "unit": "USD"}}}
    return price if period is None else price | {"recurringChargePeriod": period}


@pytest.mark.parametrize(
    ("once", "monthly", "told"),
    [
        (1500, 250, ["1,500.00 USD before tax", "250.00 USD per month before tax"]),
        (1500, 0, ["1,500.00 USD before tax"]),
        (0, 250, ["250.00 USD per month before tax"]),
        (0, 0, ["0.00 USD before tax"]),
    ],
)
def test_of_the_prices_of_an_order_those_are_told_that_are_something(
    once: float, monthly: float, told: list[str]
) -> None:
    printed = io.StringIO()
    prices = [total(once), total(monthly, "month")]
    order = {"reference": "PO-2026-000001", "id": "1", "orderTotalPrice": prices}
    described(order).print_on(Console(file=printed, width=100))
    lines = [line.split("price", 1)[1].strip() for line in printed.getvalue().splitlines() if "price" in line]
    assert lines == told
