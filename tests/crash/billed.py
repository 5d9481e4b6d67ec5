"""Whether what is in service is billed as sold: each price from the day of the start on, every day once."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from tests.enterprise.an_operator import ZONE

Body = dict[str, Any]  # JSON gives any
MINOR_UNIT = Decimal("0.01")


def billed_amiss(product: Body, lines: Sequence[Body]) -> Iterator[str]:
    """`lines` are those of all bills of the product. The billing month is the calendar's."""
    sold = {one["name"]: one for one in product["productPrice"]}
    if len(sold) != len(product["productPrice"]) or {one["name"] for one in lines} != sold.keys():
        yield f"billed are {sorted(one['name'] for one in lines)}, sold {sorted(sold)}"
        return
    for name, price in sold.items():
        of_it = [one for one in lines if one["name"] == name]
        if price["priceType"] != "recurring":
            amounts = [value_of(one["taxExcludedAmount"]) for one in of_it]
            if amounts != [value_of(price["price"]["dutyFreeAmount"])]:
                yield f"{name} is charged with {amounts}"
            continue
        billed_to = product["startDate"]
        for line in sorted(of_it, key=lambda one: str(one["periodCoverage"]["startDateTime"])):
            period = line["periodCoverage"]
            if period["startDateTime"] != billed_to:
                yield f"{name} is billed to {billed_to}, and then from {period['startDateTime']}"
            billed_to = period["endDateTime"]
            yield from _of_part(line, value_of(price["price"]["dutyFreeAmount"]))


def _of_part(line: Body, monthly: Decimal) -> Iterator[str]:
    first, end = day(line["periodCoverage"]["startDateTime"]), day(line["periodCoverage"]["endDateTime"])
    month = (end - (end - timedelta(days=1)).replace(day=1)).days
    due = (monthly * (end - first).days / month).quantize(MINOR_UNIT, ROUND_HALF_EVEN)
    if value_of(line["taxExcludedAmount"]) != due:
        yield f"{line['name']} from {first} to before {end}: {line['taxExcludedAmount']}, due is {due}"


def day(moment: str) -> date:
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(ZONE)).date()


def value_of(money: Body) -> Decimal:
    return Decimal(str(money["value"]))
