"""The judge of the crash test is itself judged: each broken history raises exactly its invariant.

A harness that cannot fail proves nothing. Source: the invariants in support/ledger.py.
"""

import pytest

from support.hub_client import COMPLETED, PROCESSING
from support.ledger import Ledger, Note, Remains, judge


def history():
    """Two users with an acknowledged order each, one of them listening; nothing is wrong."""
    ledger = Ledger()
    orders = []
    for number, user in ((1, "ann"), (2, "bob")):
        attempt = ledger.intend(f"key-{number}", user, [("AZ-900", number)])
        ledger.acknowledge(attempt, {"id": number, "correlationId": f"c{number}"})
        orders.append({"id": number, "correlation": f"c{number}", "user": user,
                       "status": COMPLETED, "lines": [("AZ-900", number)]})
    ledger.hear(Note("ann", "c1", 1, COMPLETED))
    return ledger, Remains(orders)


def another_order(remains: Remains, **changes) -> None:
    remains.orders.append({**remains.orders[0], **changes})


def test_a_good_history_has_no_violation():
    assert judge(*history(), {"ann"}) == []


@pytest.mark.parametrize("invariants, spoil", [
    ("I1 I8", lambda ledger, remains: remains.orders.pop(0)),
    ("I1", lambda ledger, remains: remains.orders.pop(1)),
    ("I2", lambda ledger, remains: another_order(remains, id=9, correlation="c9")),
    ("I2", lambda ledger, remains: another_order(remains)),
    ("I1 I3", lambda ledger, remains: ledger.acknowledge(
        ledger.attempts[1], {"id": 9, "correlationId": "c9"})),
    ("I4", lambda ledger, remains: ledger.attempts[1].acknowledgements.__setitem__(0, (7, "c2"))),
    ("I4 I6", lambda ledger, remains: remains.orders[1].update(lines=[("AZ-900", 7)])),
    ("I4 I6", lambda ledger, remains: remains.orders[1].update(user="eve")),
    ("I5", lambda ledger, remains: remains.orders[1].update(status=PROCESSING)),
    ("I6", lambda ledger, remains: another_order(remains, id=9, correlation="c9", user="eve")),
    ("I7", lambda ledger, remains: ledger.notes.clear()),
    ("I8", lambda ledger, remains: ledger.hear(Note("ann", "c0", 1, COMPLETED))),
    ("I8", lambda ledger, remains: ledger.hear(Note("ann", "c1", 7, COMPLETED))),
    ("I5 I8", lambda ledger, remains: remains.orders[0].update(status=PROCESSING)),
    ("I9", lambda ledger, remains: ledger.hear(Note("bob", "c1", 1, COMPLETED))),
    ("I10", lambda ledger, remains: setattr(remains, "unpublished", 1)),
    ("I10", lambda ledger, remains: setattr(remains, "waiting", 1)),
    ("I10", lambda ledger, remains: setattr(remains, "dead_letters", 1)),
])
def test_a_broken_history_raises_exactly_its_invariants(invariants, spoil):
    ledger, remains = history()
    spoil(ledger, remains)

    found = judge(ledger, remains, {"ann"})

    assert sorted({violation.split()[0] for violation in found}) == sorted(invariants.split())
