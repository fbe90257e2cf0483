"""Clients that do not read, on raw sockets: what becomes of them, and that nobody else notices.

    /hub          close: a Close message that allows to reconnect, in place of what waited
    /dropping     the oldest pushes are left out, whole
    /coalescing   of pushes about one subject the newest waits
"""

import pytest
from hub.transports import is_reset
from support.deadline import until

WITHIN = 60.0
TEXT = "x" * 30_000
# Three megabytes: a socket with its buffers holds less than a third, a queue another one.
COUNT = 100
TRANSPORTS = ["WebSockets", "ServerSentEvents"]


def push(sender, count: int, subject=str) -> None:
    """The sender is told of the end of each: what it sends is never ahead of what others may read."""
    for number in range(count):
        sender.result("SendOthers", f"{subject(number)}:{number}:{TEXT}", within=WITHIN)


def numbers(slow, last: int) -> list[int]:
    """Of the pushes up to the last; each must be whole."""
    heard: list[int] = []
    while not heard or heard[-1] != last:
        _, number, text = slow.pushed(within=WITHIN).split(":")
        assert text == TEXT
        heard.append(int(number))
    return heard


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_one_that_reads_too_late_hears_that_it_may_reconnect(connect, server, transport):
    slow = connect(server, transport=transport)
    sender = connect(server)

    push(sender, COUNT)

    *pushes, close = slow.until_end(within=WITHIN)
    assert close == {"type": 7, "allowReconnect": True}
    assert len(pushes) < COUNT
    assert [int(push["arguments"][0].split(":")[1]) for push in pushes] == list(range(len(pushes)))
    assert sender.result("Echo", 1) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_oldest_are_left_out_and_the_newest_are_there(connect, server, transport):
    slow = connect(server, "/dropping", transport=transport)
    sender = connect(server, "/dropping")

    push(sender, COUNT)

    heard = numbers(slow, COUNT - 1)
    assert heard == sorted(heard)
    assert len(heard) < COUNT
    assert slow.result("Echo", 1, within=WITHIN) == 1


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_newest_about_a_subject_supersedes_what_waits(connect, server, transport):
    slow = connect(server, "/coalescing", transport=transport)
    sender = connect(server, "/coalescing")

    push(sender, COUNT, lambda number: f"order {number % 3}")

    heard = numbers(slow, COUNT - 1)
    assert heard == sorted(heard)
    assert heard[-3:] == [COUNT - 3, COUNT - 2, COUNT - 1]
    assert len(heard) < COUNT
    assert slow.result("Echo", 1, within=WITHIN) == 1


def test_one_that_never_reads_is_cut(connect, fast):
    """Two seconds without progress, or five after its Close message."""
    slow = connect(fast)
    sender = connect(fast)

    push(sender, COUNT)

    def is_cut() -> bool:
        # One that works is served, and lives.
        sender.result("Echo", 1, within=WITHIN)
        return is_reset(slow.transport.wire.socket)

    until("it is cut", is_cut, WITHIN)
    assert sender.result("Echo", 1) == 1


def test_a_poller_that_does_not_come_gets_what_the_policy_leaves(connect, server):
    slow = connect(server, "/dropping", transport="LongPolling")
    sender = connect(server, "/dropping")

    push(sender, 2 * COUNT)

    heard = numbers(slow, 2 * COUNT - 1)
    assert heard == sorted(heard)
    # Of six million bytes four are kept; a poll that waited has taken one push before.
    assert 130 <= len(heard) <= 145
