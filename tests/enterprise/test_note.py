"""Notes: staff date what others said; whoever is not of the house is signed and dated by the server."""

from datetime import timedelta

import pytest

from satcom.core.clock import now
from satcom.core.errors import RuleRefused
from satcom.core.security import WORKER, Principal, Role
from satcom.core.values import Note
from satcom.enterprise.note import operators_note, signed

CUSTOMER = Principal("mine", frozenset({Role.CUSTOMER}), "p", frozenset({"p"}), all_parties=False)
FRIDAY = now() - timedelta(days=3)


def test_a_note_of_a_customer_has_his_name_and_the_second_in_which_it_came() -> None:
    (note,) = signed([Note(text="call first", author="the operator")], [], CUSTOMER)
    assert note.author == "mine"
    assert note.date is not None
    assert (note.date.microsecond, now() - note.date < timedelta(seconds=10)) == (0, True)


def test_a_customer_dates_no_note_and_what_was_there_before_may_come_back() -> None:
    earlier = Note(text="waits", author="operator", date=FRIDAY)
    with pytest.raises(RuleRefused) as refused:
        signed([earlier, Note(text="as agreed", date=FRIDAY)], [earlier], CUSTOMER)
    assert [(one.field, one.code, one.accepted) for one in refused.value.faults] == [
        ("/note/1/date", "derived", "nothing")
    ]
    assert signed([earlier], [earlier], CUSTOMER) == [earlier]


def test_staff_write_down_what_was_said_on_friday_but_not_what_will_be_said() -> None:
    (note,) = signed([Note(text="he called", author="mine", date=FRIDAY)], [], WORKER)
    assert (note.author, note.date) == ("mine", FRIDAY)
    with pytest.raises(RuleRefused) as refused:
        signed([Note(text="x", date=now() + timedelta(days=1))], [], WORKER)
    assert [(one.field, one.code) for one in refused.value.faults] == [("/note/0/date", "inFuture")]


def test_what_the_operator_has_to_say_is_signed_and_dated() -> None:
    note = operators_note("waits for a terminal")
    assert (note.author, note.date is not None and note.date.microsecond) == ("operator", 0)
