"""Hostile hub clients on the platform: what they write, how much of it, and how fast (G, F).

Source: edge/hub_cases.py; docs/LIMITS.md "Hub".
"""

import pytest

from edge.attacks import FLOODS, flood
from edge.hub_cases import ANSWERED, FATAL, NO_HANDSHAKE, SKIPPED
from support.deadline import Deadline
from support.hub_client import HANDSHAKE, SEPARATOR, HubClient
from support.http_wire import PeerClosed
from support.process_watch import ProcessWatch
from support.websocket_wire import BINARY, CLOSE, TEXT, encode

WITHIN = 60.0
GROWTH = 48 << 20


def rows(table: dict[str, bytes]):
    return pytest.mark.parametrize("octets", table.values(), ids=table.keys())


@rows(SKIPPED)
def test_what_means_nothing_is_skipped(octets, hub):
    hub.send_bytes(octets)

    assert hub.result("Ping") is None
    assert len([text for text in hub.texts if '"type":3' in text]) == 1


@rows(ANSWERED)
def test_a_call_that_cannot_be_made_fails_and_the_connection_lives(octets, hub):
    hub.send_bytes(octets)

    assert "error" in hub.next_record()
    assert hub.result("Ping") is None


@rows(FATAL)
def test_what_is_no_message_ends_the_connection_with_a_reason(octets, hub):
    hub.send_bytes(octets)

    # Sooner than the silence would end it.
    close = hub.next_record(within=20.0)
    assert (close["type"], close["allowReconnect"]) == (7, True), close
    assert close["error"]
    with pytest.raises(PeerClosed):
        hub.next_record(WITHIN)
    assert hub.close_frame.close_code == 1000


@pytest.mark.parametrize("opcode", [TEXT, BINARY], ids=["text", "binary"])
def test_octets_that_are_no_utf8_end_the_connection(opcode, hub):
    hub.send_bytes(b'{"type":6,"x":"\xff"}' + SEPARATOR, opcode)

    frame = hub.socket.receive(WITHIN)
    while frame.opcode != CLOSE:
        frame = hub.socket.receive(WITHIN)
    assert frame.close_code == (1007 if opcode == TEXT else 1000)


@rows(NO_HANDSHAKE)
def test_what_is_no_handshake_is_answered_with_an_error_and_the_end(octets, server):
    with HubClient(server, "g", handshake=False) as hub:
        hub.send_bytes(octets)

        assert list(hub.next_record(WITHIN)) == ["error"]
        with pytest.raises(PeerClosed):
            hub.next_record(WITHIN)


def test_a_record_without_its_separator_waits_for_it(hub):
    hub.send_bytes(b'{"type":1,"invocationId":"g","target":"Ping","arguments":[]}')
    hub.send_bytes(SEPARATOR)

    assert hub.next_record()["invocationId"] == "g"


def test_ten_thousand_records_in_one_frame_are_all_answered(hub):
    """As few octets each as a call can have, in frames of a thousand."""
    for start in range(0, 10_000, 1000):
        hub.send_bytes(b"".join(
            b'{"type":1,"invocationId":"%d","target":"Ping","arguments":[]}' % number + SEPARATOR
            for number in range(start, start + 1000)))
        for number in range(start, start + 1000):
            assert hub.next_record(WITHIN)["invocationId"] == str(number)


def test_calls_whose_answers_nobody_reads_stop_being_read(server, hub):
    """Megabytes of calls: they wait in TCP, not here."""
    watch = ProcessWatch(server.process.pid)
    calls = b"".join(encode(TEXT, b'{"type":1,"invocationId":"1","target":"Ping","arguments":[]}'
                            + SEPARATOR) for _ in range(500))
    with HubClient(server, "deaf") as deaf:
        flood(deaf.socket, calls, seconds=2.0)
        assert hub.invoke("Ping", within=WITHIN)["result"] is None
        watch.expect_memory_within(GROWTH)


@pytest.mark.parametrize("row", FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_of_frames_delays_no_other_client(row, server, hub):
    first, again, reads = row
    watch = ProcessWatch(server.process.pid)
    with HubClient(server, "flooder") as flooder:
        flooder.socket.wire.send(first)
        flood(flooder.socket, again, seconds=0.5, reads=reads)
        assert hub.invoke("Ping", within=5.0)["result"] is None
    watch.expect_memory_within(GROWTH)
    watch.expect_descriptors_back()


def test_a_hundred_clients_without_a_handshake_are_forgotten(server):
    watch = ProcessWatch(server.process.pid)
    mute = [HubClient(server, "mute", handshake=False) for _ in range(100)]
    for number, one in enumerate(mute):
        one.send_bytes(HANDSHAKE[:number % len(HANDSHAKE)])
    for one in mute:
        one.close()
    watch.expect_descriptors_back()


def test_a_client_that_never_says_hello_is_told_so_in_time(new_server):
    server = new_server(environment={"CONTOSO_HUB__HANDSHAKE_TIMEOUT": "1s"}).start()
    with HubClient(server, "mute", handshake=False) as mute:
        deadline = Deadline(WITHIN)
        for octet in HANDSHAKE[:-1] * 100:
            # An octet now and then buys no time.
            mute.send_bytes(bytes([octet]))
            try:
                assert mute.next_record(0.1) == {"error": "Handshake was canceled."}
                break
            except AssertionError:
                assert not deadline.passed()
