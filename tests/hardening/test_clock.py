"""The clock of a machine is set while orders run, the database server's with it: they go on, and nothing is done twice.

That an hour passes, or a day, is said by setting the clock; the programs are the real ones. So is who listens: beside
those on this machine, one elsewhere, by whose clock what is signed here is of yesterday or tomorrow.
"""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.core.an_inbox import an_inbox
from tests.crash.office import FLOWS, Office
from tests.crash.shared_time import VARIABLE, SharedTime
from tests.crash.sold import Sold
from tests.hardening.a_set_clock import SetClock, a_set_clock
from tests.hardening.at_work import KINDS, all_in_service, at_work, one_of_each, told_amiss
from tests.hardening.listeners import Listeners, signed_at_any_time

BILLS = "/tmf-api/customerBillManagement/v4/customerBill"
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)
LAST_OF_MARCH = datetime(2027, 3, 31, 6, tzinfo=UTC)  # a day later another month is billed
READ_S = 3.0  # until every program has seen what the clock was set to


def calls(office: Office) -> list[dict[str, Any]]:
    """The tasks that call the hub, as the NOC sees them."""
    flows = office.listed(FLOWS, fields="id")
    tasks = [
        task
        for one in flows
        for task in office.listed(f"{FLOWS}/{one['id']}/taskFlow", taskFlowSpecification="configure_hub")
    ]
    return [one | {said["name"]: said["value"] for said in one["characteristic"]} for one in tasks]


def waits_visibly(call: dict[str, Any]) -> bool:
    """It was tried again and again, and says why it did not succeed."""
    why = call.get("fault") or {}
    return call["state"] in ("new", "active") and call["attempts"] >= 3 and why.get("code") == "driverUnavailable"


def set_to(clock: SetClock, ahead: timedelta) -> None:
    clock.set_ahead(ahead)
    time.sleep(READ_S)


@pytest.mark.at_length
def test_orders_go_on_when_the_clock_jumps_a_day_ahead_and_an_hour_back(tmp_path: Path) -> None:
    business = SharedTime.beginning(LAST_OF_MARCH, tmp_path / "ahead")
    with a_set_clock() as clock, an_inbox() as elsewhere:
        further = {**clock.surroundings, VARIABLE: str(business.file)}
        with at_work(tmp_path, in_stock=3, further=further, signed=signed_at_any_time) as (office, listeners):
            installation = office.installation
            afar = Listeners(office, elsewhere, hubs=("TMF622", "TMF638"))
            one_of_each(office)
            assert office.until(lambda: len(office.open()) < len(KINDS), within_s=600), installation.stuck()
            set_to(clock, DAY)
            one_of_each(office)
            installation.operation.hub.kill()  # calls are under way, and will be tried again
            time.sleep(2)
            set_to(clock, DAY - HOUR)
            installation.kill("worker 1")  # its heartbeat, its lease: an hour ahead of now
            installation.operation.hub.restart()
            one_of_each(office)
            all_in_service(office, listeners)
            assert office.until(lambda: len(office.listed(BILLS)) > len(office.stories), within_s=60), "April"
            assert elsewhere.refused, "what is signed tomorrow is refused today"
            set_to(clock, timedelta(0))
            assert afar.told_amiss(installation.operation.database) == []


def test_an_order_waits_visibly_while_the_hub_is_away_for_an_hour_and_then_goes_on(tmp_path: Path) -> None:
    with a_set_clock() as clock:
        further = clock.surroundings
        with at_work(tmp_path, in_stock=2, further=further, signed=signed_at_any_time) as (office, listeners):
            office.installation.operation.hub.kill()
            one_of_each(office)
            one_of_each(office)
            # a call ends long before its lease does: by leaps, with a rest after each
            for minutes in range(0, 600, 20):
                set_to(clock, minutes * MINUTE)
                if minutes >= 60 and all(waits_visibly(call) for call in calls(office)):
                    break
            assert [call for call in calls(office) if not waits_visibly(call)] == []
            # who leases spectrum needs no hub
            kept = [Sold.LINK] * 2 + [Sold.ACCESS] * 2
            assert office.until(lambda: sorted(one.sold for one in office.open()) == sorted(kept), within_s=600)
            assert told_amiss(office, listeners) == []
            office.installation.operation.hub.restart()
            set_to(clock, (minutes + 20) * MINUTE)
            all_in_service(office, listeners)
