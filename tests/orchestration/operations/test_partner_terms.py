"""Terms of partners in trouble: unknown, nearly over, answered too late or not as asked, and when clocks are set."""

import importlib.util
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlmodel import Session, select
from structlog.testing import capture_logs

from satcom.core import metrics, migration
from satcom.core.clock import clock, now, wall_now
from satcom.core.database import find
from satcom.core.entity import Entity, from_body
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER
from satcom.core.values import Json, TimePeriod, instant_text
from satcom.enterprise.agreement import Agreement, conclude_agreement
from satcom.enterprise.party import Organization
from satcom.market.inventory import Product
from satcom.orchestration.operations import partner_hold, partner_renewal
from satcom.orchestration.operations.partner_hold import extend_holds
from satcom.orchestration.operations.partner_renewal import renew_terms
from satcom.orchestration.plan import FlowState, ProcessFlow, TaskState
from satcom.supplychain import partner_term
from satcom.supplychain.partner_capacity import CapacityTerm, PartnerCapacity, PartnerCapacityState, extension_due
from satcom.supplychain.partner_term import note_renewed
from satcom.supplychain.partnership import Partnership, patch_partnership
from tests.orchestration.operations.test_kinds_of_change import change
from tests.orchestration.operations.test_partner_renewal import (
    DELIVERED,
    LATE,
    TERM_DAYS,
    business_clock,
    capacity_of,
    delivered,
    ended,
    flows_of,
    swept,
)
from tests.orchestration.operations.test_partner_to_service import Leasing, leasing
from tests.supplychain.a_partnership import agreement_body

__all__ = ["business_clock", "delivered", "leasing"]  # the fixtures


def revision(name: str) -> ModuleType:
    path = next((Path(migration.__file__).parent / "migrations" / "versions").glob(f"{name}_*.py"))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def as_before_terms_were_kept(session: Session, capacity: PartnerCapacity) -> None:
    """As revision 0035 found it and left it, and the next one takes it up."""
    capacity.term_ends_at = capacity.renew_at = None
    session.flush()
    with Operations.context(MigrationContext.configure(session.connection())):
        revision("0038").upgrade()


def under(leasing: Leasing, **terms: Json) -> None:
    """From now on the partner leases under another agreement with these terms, and the `first` where one is given."""
    with leasing.operation.database.as_worker() as session:
        partnership = session.exec(select(Partnership)).one()
        partner = find(session, Organization, partnership.organization_id)
        ceiling, first = terms.pop("ceiling", {"unit": "USD", "value": 300}), terms.pop("first", None)
        body = agreement_body(session, partner, ceiling)
        body["agreementPeriod"] = {"startDateTime": terms.pop("start", "2026-01-01T00:00:00Z")}
        told: list[Json] = [{"name": name, "value": value} for name, value in terms.items()]
        body["characteristic"] = [*body["characteristic"], *told]  # type: ignore[misc]
        concluded = conclude_agreement(session, from_body(Agreement, body), WORKER)
        listed = [first] if first is not None else []
        agreements: list[Json] = [{"id": one} for one in [*listed, concluded.id]]
        patch: dict[str, Json] = {"partner": [partnership.partner[0].wire() | {"agreement": agreements}]}
        patch_partnership(session, partnership, patch, WORKER)


def the_agreement_ends(leasing: Leasing, days: float) -> Agreement:
    with leasing.operation.database.as_worker() as session:
        agreement = session.exec(select(Agreement)).one()
        agreement.agreement_period = TimePeriod(end_date_time=now() + timedelta(days=days))
        return agreement


# What was delivered before terms were kept


def test_what_was_delivered_before_terms_were_kept_ends_when_the_partner_says_and_is_renewed(
    leasing: Leasing, delivered: str
) -> None:
    with leasing.operation.database.as_worker() as session:
        capacity = capacity_of(session, delivered)
        ends_at, renew_at = capacity.term_ends_at, capacity.renew_at
        as_before_terms_were_kept(session, capacity)
    leasing.partner.set_faults({"action": "read", "kind": "answerLost", "count": 2})
    ended(leasing, delivered)
    with leasing.operation.database.as_worker() as session:
        capacity = capacity_of(session, delivered)
        assert (capacity.term_ends_at, capacity.renew_at) == (ends_at, renew_at)
    clock.advance(LATE)
    swept(leasing)
    ended(leasing, delivered)
    assert leasing.partner.journal() == [*DELIVERED, "qualify", "renew"]


def test_without_an_end_that_the_partner_tells_it_ends_with_the_agreement(leasing: Leasing) -> None:
    order_id = leasing.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    period = the_agreement_ends(leasing, days=40).agreement_period
    assert period is not None
    with leasing.operation.database.as_worker() as session:
        as_before_terms_were_kept(session, capacity_of(session, order_id))
    ended(leasing, order_id)
    with leasing.operation.database.as_worker() as session:
        capacity = capacity_of(session, order_id)
        assert capacity.term_ends_at == period.end_date_time
        assert capacity.renew_at is not None
        assert timedelta(days=19) < capacity.renew_at - now() < timedelta(days=21), "half of it before its end"


def test_what_went_on_after_its_agreement_is_not_said_to_have_lapsed(leasing: Leasing) -> None:
    order_id = leasing.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    clock.advance(timedelta(days=30))
    the_agreement_ends(leasing, days=-1)
    with leasing.operation.database.as_worker() as session:
        as_before_terms_were_kept(session, capacity_of(session, order_id))
    ended(leasing, order_id)
    swept(leasing)
    with leasing.operation.database.as_worker() as session:
        capacity = capacity_of(session, order_id)
        assert (capacity.state, capacity.term_ends_at) == (PartnerCapacityState.DELIVERED, None)
        assert "the agreement with Oceanis ended on" in (capacity.renewal_setback or "")
        assert capacity.renew_at is None, "it is asked once"


# The end of a term


def test_a_term_that_was_not_needed_until_its_last_minute_lapses_at_its_end_when_it_is_needed_after_all(
    leasing: Leasing, delivered: str
) -> None:
    database = leasing.operation.database
    with database.as_worker() as session:
        product = session.exec(select(Product).where(Product.order_id == delivered)).one()
        ends_at = product.termination_date = capacity_of(session, delivered).term_ends_at
        assert ends_at is not None
    clock.advance(ends_at - now() - timedelta(seconds=30))
    swept(leasing)
    with database.as_worker() as session:
        assert capacity_of(session, delivered).renew_at == ends_at
        session.exec(select(Product).where(Product.order_id == delivered)).one().termination_date = None
    clock.advance(timedelta(seconds=31))
    with capture_logs() as told:
        swept(leasing)
    with database.as_worker() as session:
        assert capacity_of(session, delivered).state is PartnerCapacityState.LAPSED
    assert [one["log_level"] for one in told if one["event"] == "partner capacity lapsed"] == ["error"]


def test_a_renewal_that_the_partner_does_not_take_before_the_end_is_not_ordered_afterwards(
    leasing: Leasing, delivered: str
) -> None:
    leasing.partner.set_faults({"action": "renew", "kind": "down"})
    clock.advance(LATE)
    swept(leasing)
    with leasing.operation.database.as_worker() as session:
        assert flows_of(session, delivered)[0][1]["renew_at_partner"].state is TaskState.NEW, "tried again and again"
    clock.advance(timedelta(days=TERM_DAYS))
    leasing.partner.set_faults()
    ended(leasing, delivered)
    assert leasing.partner.journal() == [*DELIVERED, "qualify"]
    with leasing.operation.database.as_worker() as session:
        assert capacity_of(session, delivered).state is PartnerCapacityState.LAPSED


# By which terms, and until when


def test_the_next_term_is_as_long_as_the_agreement_says_that_is_in_force_when_it_begins(leasing: Leasing) -> None:
    first = the_agreement_ends(leasing, days=80)
    assert first.agreement_period is not None
    assert first.agreement_period.end_date_time is not None
    under(leasing, start=instant_text(first.agreement_period.end_date_time), renewalMonths=6, first=first.id)
    order_id = leasing.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    clock.advance(timedelta(days=50))
    swept(leasing)
    ended(leasing, order_id)
    with leasing.operation.database.as_worker() as session:
        [term] = capacity_of(session, order_id).renewal
        assert term.start_at == first.agreement_period.end_date_time
        assert timedelta(days=180) < term.end_at - term.start_at < timedelta(days=185)


def test_another_agreement_with_another_length_of_terms_has_the_partner_asked_for_that(
    leasing: Leasing, delivered: str
) -> None:
    leasing.partner.set_world(price_factor_at_renewal=1.3)
    clock.advance(LATE)
    swept(leasing)
    under(leasing, ceiling={"unit": "USD", "value": 350}, renewalMonths=3)
    ended(leasing, delivered)
    with leasing.operation.database.as_worker() as session:
        [term] = capacity_of(session, delivered).renewal
        assert timedelta(days=88) < term.end_at - term.start_at < timedelta(days=93)
    assert leasing.partner.journal() == [*DELIVERED, "qualify", "qualify", "renew"]


def test_what_the_customer_ends_while_its_renewal_is_under_way_is_not_renewed_and_nothing_stays_ordered(
    leasing: Leasing, delivered: str
) -> None:
    leasing.partner.set_world(delivery_s=3600)
    clock.advance(LATE)
    swept(leasing)
    assert leasing.partner.journal()[-1] == "renew"
    leasing.partner.set_world(delivery_s=0)
    leasing.followed(change(leasing.operation, delivered, action="delete"), FlowState.COMPLETED)
    ended(leasing, delivered)
    with leasing.operation.database.as_worker() as session:
        [(flow, tasks)] = flows_of(session, delivered)
        capacity = capacity_of(session, delivered)
        assert (flow.state, capacity.state, capacity.renewal) == (
            FlowState.CANCELLED,
            PartnerCapacityState.RELEASED,
            [],
        )
        assert (tasks["note_renewal"].fault or {})["code"] == "ended"
        cost = capacity.monthly_cost
        term = CapacityTerm(
            start_at=now(), end_at=now() + LATE, monthly_cost=cost, one_time_cost=cost, partner_order_id="another"
        )
        with pytest.raises(RuleRefused, match="is released: it does not go on"):
            note_renewed(session, capacity.id, capacity.agreement_id, term)
    assert sorted(leasing.partner.journal()[3:]) == ["cancel", "end", "qualify", "renew"]


def test_the_end_that_the_partner_tells_once_it_has_delivered_counts(leasing: Leasing) -> None:
    leasing.partner.set_world(term_days=TERM_DAYS, tells_end_when_done=True, renewal_days=30)
    order_id = leasing.order()
    leasing.followed(order_id, FlowState.COMPLETED)
    with leasing.operation.database.as_worker() as session:
        first_end = capacity_of(session, order_id).term_ends_at
        assert first_end is not None
        assert abs(first_end - now() - timedelta(days=TERM_DAYS)) < timedelta(minutes=5)
    clock.advance(LATE)
    swept(leasing)
    ended(leasing, order_id)
    with leasing.operation.database.as_worker() as session:
        capacity = capacity_of(session, order_id)
        assert capacity.term_ends_at == first_end + timedelta(days=30), "not the year that was asked for"
        assert [one.end_at for one in capacity.renewal] == [capacity.term_ends_at]


@pytest.mark.parametrize("added_days", [0, 0.01])
def test_a_renewal_that_moves_the_end_by_nothing_to_speak_of_is_taken_back_and_lapses_in_the_end(
    leasing: Leasing, delivered: str, added_days: float
) -> None:
    leasing.partner.set_world(renewal_days=added_days)
    clock.advance(LATE)
    swept(leasing)
    ended(leasing, delivered)
    swept(leasing)
    with leasing.operation.database.as_worker() as session:
        capacity = capacity_of(session, delivered)
        assert (capacity.state, capacity.renewal) == (PartnerCapacityState.DELIVERED, [])
        assert "the renewal is done, and the partner still tells" in (capacity.renewal_setback or "")
        assert capacity.renew_at is not None
        assert capacity.renew_at - now() > timedelta(hours=20), "tried again the next day, not at once"
    assert leasing.partner.journal() == [*DELIVERED, "qualify", "renew", "cancel"]
    clock.advance(timedelta(days=TERM_DAYS))
    swept(leasing)
    with leasing.operation.database.as_worker() as session:
        assert capacity_of(session, delivered).state is PartnerCapacityState.LAPSED
    assert leasing.partner.journal().count("renew") == 1


# Clocks


@pytest.fixture
def refused_extension(leasing: Leasing) -> str:
    """An order whose hold the partner does not extend for now: supply's wait, until the hold ends."""
    leasing.partner.set_world(hold_s=600)
    down = {"action": "order", "kind": "down"}
    leasing.partner.set_faults(down, {"action": "extend", "kind": "refused", "reason": "others want it"})
    order_id = leasing.order()
    leasing.operation.advance(order_id)
    with leasing.operation.database.as_worker() as session:
        capacity_of(session, order_id).hold_extend_at = wall_now()
    swept(leasing)
    with leasing.operation.database.as_worker() as session:
        [(_, tasks)] = flows_of(session, order_id)
        assert tasks["hold_is_extended"].state is TaskState.ACTIVE
    leasing.partner.set_faults(down)
    return order_id


def wall_clock_ahead(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """So much later by the wall clock, as what sees to holds reads it; the partner goes by its own."""
    for module in (partner_hold, partner_term):
        monkeypatch.setattr(module, "wall_now", lambda: wall_now() + by)


def test_a_hold_is_extended_though_the_business_clock_jumps_past_the_wait_for_it(
    leasing: Leasing, refused_extension: str
) -> None:
    clock.advance(timedelta(days=5))
    swept(leasing)
    swept(leasing)
    with leasing.operation.database.as_worker() as session:
        states = [flow.state for flow, _ in flows_of(session, refused_extension)]
    assert states == [FlowState.CANCELLED, FlowState.COMPLETED]
    assert leasing.partner.journal() == ["qualify", "hold", "extend"]


def test_a_hold_is_extended_half_way_to_its_end_though_the_business_clock_was_set_back(
    leasing: Leasing, refused_extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(-timedelta(days=5))
    wall_clock_ahead(monkeypatch, timedelta(seconds=400))
    swept(leasing)
    assert leasing.partner.journal() == ["qualify", "hold", "extend"]
    with leasing.operation.database.as_worker() as session:
        [(flow, _)] = flows_of(session, refused_extension)
        assert flow.state is FlowState.COMPLETED, "one wait, not two"


def test_nobody_waits_for_a_hold_that_is_over_though_the_business_clock_was_set_back(
    leasing: Leasing, refused_extension: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.advance(-timedelta(days=5))
    wall_clock_ahead(monkeypatch, timedelta(seconds=700))
    swept(leasing)
    with leasing.operation.database.as_worker() as session:
        [(flow, _)] = flows_of(session, refused_extension)
        assert flow.state is FlowState.CANCELLED
        assert (flow.cause or {})["code"] == "holdEnded"
        assert capacity_of(session, refused_extension).hold_extend_at is None


def test_what_was_granted_until_an_instant_that_is_past_by_our_clock_is_extended_again() -> None:
    assert extension_due(wall_now() - timedelta(hours=5)) is not None
    assert extension_due(wall_now() - timedelta(seconds=1)) is None, "it was held for a moment only"


# One that fails


def failing_for(order_id: str, monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> None:
    """No plan can be laid out for what a partner has for that order."""
    real = module.lay_out

    def lay_out(session: Session, specification: str, subject: Entity, reference: str) -> ProcessFlow:
        if isinstance(subject, PartnerCapacity) and subject.order_id == order_id:
            raise ZeroDivisionError("a bug")
        flow: ProcessFlow = real(session, specification, subject, reference)
        return flow

    monkeypatch.setattr(module, "lay_out", lay_out)


def failures(task: str) -> float:
    return float(metrics.sweep_failures.labels(task)._value.get())


def test_one_term_that_cannot_be_renewed_holds_up_no_other_and_is_told_counted_and_put_off(
    leasing: Leasing, delivered: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = leasing.order()
    leasing.followed(other, FlowState.COMPLETED)
    failing_for(delivered, monkeypatch, partner_renewal)
    clock.advance(LATE)
    before = failures("renew_the_term")
    with capture_logs() as told, leasing.operation.database.as_worker() as session:
        assert renew_terms(session) == 2
    with leasing.operation.database.as_worker() as session:
        assert (len(flows_of(session, delivered)), len(flows_of(session, other))) == (0, 1)
        renew_at = capacity_of(session, delivered).renew_at
        assert renew_at is not None
        assert timedelta(hours=20) < renew_at - now() <= timedelta(days=1)
        failed = capacity_of(session, delivered).id
    broke = [one for one in told if one["event"] == "the sweep could not do it"]
    assert [(one["task"], one["about"], bool(one["exc_info"])) for one in broke] == [("renew_the_term", failed, True)]
    assert failures("renew_the_term") == before + 1


def test_one_hold_that_cannot_be_extended_holds_up_no_other_and_is_tried_again(
    leasing: Leasing, monkeypatch: pytest.MonkeyPatch
) -> None:
    leasing.partner.set_faults({"action": "order", "kind": "down"})
    orders = [leasing.order(), leasing.order()]
    for order_id in orders:
        leasing.operation.advance(order_id)
    with leasing.operation.database.as_worker() as session:
        for order_id in orders:
            capacity_of(session, order_id).hold_extend_at = wall_now()
    failing_for(orders[0], monkeypatch, partner_hold)
    before = failures("extend_the_hold")
    with leasing.operation.database.as_worker() as session:
        assert extend_holds(session) == 2
    assert failures("extend_the_hold") == before + 1
    with leasing.operation.database.as_worker() as session:
        assert [len(flows_of(session, one)) for one in orders] == [0, 1]
        extend_at = capacity_of(session, orders[0]).hold_extend_at
        assert extend_at is not None
        assert extend_at - wall_now() <= timedelta(minutes=1)
