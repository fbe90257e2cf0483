"""L01 to L10 and X20 to X34: polls, one behind another, and what is between them.

    GET ──▶ 200 empty at once │ GET ──▶ 200 with all there is │ GET ──▶ 204: over
"""

import threading

import pytest
from hub.process import OUTPUT, HubServer
from hub.transports import NO_CACHE, LongPolling
from support.deadline import Deadline, until
from support.http_wire import PeerClosed, request

WITHIN = 5.0


def poll(client) -> LongPolling:
    """A second poll of the same connection, begun and not waited for."""
    other = LongPolling.__new__(LongPolling)
    other.endpoint, other._poll, other.answers = client.endpoint, None, []
    other.begin_poll()
    return other


def answer(poller: LongPolling, within: float = WITHIN):
    return poller._answer(Deadline(within))


@pytest.fixture(scope="module")
def server():
    """With one loop, which takes requests in the order in which they were sent, on any sockets."""
    running = HubServer(OUTPUT / "servers" / "long-polling", threads=1).start()
    yield running
    running.end()


@pytest.fixture
def polled(connect, server):
    return connect(server, transport="LongPolling")


@pytest.mark.case("X30")
def test_the_first_poll_is_answered_empty_at_once(polled):
    first = polled.transport.answers[0]

    assert (first.status, first.body) == (200, b"")
    assert first.header("Content-Type") == "application/octet-stream"
    assert first.header("Content-Length") == "0"


@pytest.mark.case("L01", "X20", "X33")
def test_DELETE_ends_the_poll_that_waits_with_204(polled, log):
    polled.transport.begin_poll()

    deleted = polled.endpoint.delete()

    assert (deleted.status, deleted.body) == (202, b"")
    assert deleted.header("Content-Type").split(";")[0] == "text/plain"
    with pytest.raises(PeerClosed):
        polled.next()
    assert polled.transport.answers[-1].status == 204
    assert log.end_of(polled.connection_id) == "-"


@pytest.mark.case("X34", "X24")
def test_DELETE_between_two_polls_makes_the_next_404(polled, log):
    assert polled.endpoint.delete().status == 202

    assert log.end_of(polled.connection_id) == "-"
    assert request(polled.server.address, "GET", polled.endpoint.target()).status == 404


@pytest.mark.case("L02")
def test_data_is_a_body_of_known_length(polled, log):
    log.client.result("SendConnection", polled.connection_id, "Hello World")

    assert polled.pushed() == "Hello World"

    got = polled.transport.answers[-1]
    expected = b'{"type":1,"target":"Message","arguments":["Hello World"]}\x1e'
    assert (got.status, got.body) == (200, expected)
    assert got.header("Content-Type") == "application/octet-stream"
    assert got.header("Content-Length") == str(len(expected))


@pytest.mark.case("L03", "L09")
def test_everything_since_the_last_poll_is_one_body(polled, log):
    for text in ("Hello", " ", "World"):
        log.client.result("SendConnection", polled.connection_id, text)
    polled.transport.answers.clear()

    assert [polled.pushed() for _ in range(3)] == ["Hello", " ", "World"]
    assert len(polled.transport.answers) == 1


@pytest.mark.case("L04")
def test_a_poll_that_the_client_gives_up_makes_room_for_the_next(polled, log):
    for _ in range(5):
        polled.transport.begin_poll()
        polled.transport.drop()

        # What is written to the old one before its end is noticed is lost, as on any transport.
        until("the next poll is served", lambda: log.client.result(
            "SendConnection", polled.connection_id, "x") or polled.listen(0.2) or polled.inbox)
        polled.inbox.clear()
    assert polled.result("Echo", 1) == 1


@pytest.mark.case("L04", "X28")
def test_a_client_that_gives_up_its_poll_and_does_not_come_back_is_gone(
        connect, fast, fast_log):
    client = connect(fast, transport="LongPolling")
    client.transport.begin_poll()
    client.transport.drop()

    assert fast_log.end_of(client.connection_id, within=8) == "-"


@pytest.mark.case("L07")
def test_no_answer_may_be_kept_by_a_cache(polled, log):
    polled.result("Echo", 1)
    polled.transport.begin_poll()
    polled.endpoint.delete()
    with pytest.raises(PeerClosed):
        polled.next()

    statuses = [got.status for got in polled.transport.answers]
    assert statuses == [200, 200, 200, 204]
    for got in polled.transport.answers:
        assert {name: got.header(name) for name in NO_CACHE} == NO_CACHE


@pytest.mark.case("L08")
def test_messagepack_is_polled_as_bytes(connect, server):
    client = connect(server, transport="LongPolling", protocol="messagepack")

    assert client.result("Echo", [1, "two", b"\x03"]) == [1, "two", b"\x03"]

    assert client.transport.answers[1].body == b"{}\x1e"
    assert client.transport.answers[-1].body == bytes.fromhex(
        "0f 95 03 80 a130 03 93 01 a374776f c40103")


@pytest.mark.case("X26")
def test_a_newer_poll_takes_over(polled, log):
    polled.transport.begin_poll()
    newer = poll(polled)

    assert answer(polled.transport).status == 204
    log.client.result("SendConnection", polled.connection_id, "for the newer")

    got = answer(newer)
    assert got.status == 200 and b"for the newer" in got.body


@pytest.mark.case("X27", "L10")
def test_polls_that_follow_each_other_closely_lose_nothing(polled, log):
    """Every poll is overtaken by the next while another client sends."""
    count, heard = 200, b""
    sender = threading.Thread(target=lambda: [
        log.client.result("SendConnection", polled.connection_id, f"<{number}>")
        for number in range(count)])
    sender.start()

    deadline, current = Deadline(20), poll(polled)
    while heard.count(b"Message") < count:
        newer = poll(polled)
        got = answer(current, deadline.left())
        assert got.status in (200, 204), got
        heard += got.body
        current = newer
        if heard.count(b"Message") < count and not sender.is_alive():
            got = answer(current, deadline.left())
            assert got.status == 200, got
            heard += got.body
            current = poll(polled)
    sender.join()
    current.drop()

    # Two polls that are under way at once may be taken for older and newer the other way round.
    assert all(heard.count(b"<%d>" % number) == 1 for number in range(count))
    assert heard.count(b"Message") == count


@pytest.mark.case("X31")
def test_the_hub_sees_the_query_of_the_first_poll(connect, server):
    client = connect(server, transport="LongPolling", query="key=first")
    client.result("Echo", 1)
    client.endpoint.query = "key=later"

    assert client.result("HasHttp") == "first"


@pytest.mark.case("X21")
def test_a_poll_that_waits_hears_of_the_end(polled, log):
    polled.transport.begin_poll()

    log.client.result("Abort", polled.connection_id)

    assert polled.until_end() == [{"type": 7}]
    assert [got.status for got in polled.transport.answers[-2:]] == [200, 204]
    until("it is gone",
          lambda: request(polled.server.address, "GET", polled.endpoint.target()).status == 404)


@pytest.mark.case("X20")
def test_a_client_that_says_goodbye_is_answered_in_its_poll(polled, log):
    polled.say_goodbye()

    assert polled.until_end() == [{"type": 7}]
    assert log.end_of(polled.connection_id) == "-"
