"""E61 to E72: pings, silence, and how a connection ends, on a server with times of 1 and 2 s.

    server ── ping each second ──▶ client      client ── one ping, then 2 s of silence ──▶ Close
"""

import pytest
from support.deadline import Deadline

KEEP_ALIVE, CLIENT_TIMEOUT = 1.0, 2.0
PATIENCE = 4.0


def ping(client) -> None:
    client.send({"type": 6})


@pytest.mark.case("E61")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_a_ping_is_not_answered(connect, server, protocol):
    client = connect(server, protocol=protocol)
    ping(client)

    assert client.unasked() == []
    assert client.pings == 0


@pytest.mark.case("E62", "T07")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_an_idle_connection_is_pinged_once_per_interval(connect, fast, protocol):
    client = connect(fast, protocol=protocol)

    client.listen(4.5 * KEEP_ALIVE)

    assert 3 <= client.pings <= 5
    assert client.inbox == []


@pytest.mark.case("E63")
def test_traffic_brings_no_more_pings(connect, fast):
    client = connect(fast)
    busy = Deadline(3.5 * KEEP_ALIVE)
    while not busy.passed():
        assert client.result("Echo", 1) == 1

    assert client.pings <= 4


@pytest.mark.case("E65")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_a_client_that_never_pings_is_never_given_up(connect, fast, transport):
    client = connect(fast, transport=transport)

    client.listen(2.5 * CLIENT_TIMEOUT)

    assert client.inbox == []
    assert client.result("Echo", 1) == 1


@pytest.mark.case("E66")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents"])
def test_one_ping_and_then_silence_end_the_connection(connect, fast, fast_log, transport):
    client = connect(fast, transport=transport)
    ping(client)
    earliest = Deadline(CLIENT_TIMEOUT / 2)

    assert client.until_end(CLIENT_TIMEOUT + PATIENCE) == [
        {"type": 7, "error": "Connection closed with an error.", "allowReconnect": True}]
    assert earliest.passed()
    assert fast_log.end_of(client.connection_id) != "-"


@pytest.mark.case("E67")
def test_parts_of_a_message_are_a_sign_of_life(connect, fast):
    client = connect(fast)
    ping(client)
    call = b'{"type":1,"invocationId":"1","target":"Echo","arguments":[1]}\x1e'

    for place in range(0, 2 * len(call) // 3, 5):
        client.send_bytes(call[place:place + 5])
        client.listen(CLIENT_TIMEOUT / 4)
    client.send_bytes(call[place + 5:])

    assert client.completion("1")["result"] == 1


@pytest.mark.case("E68")
def test_silence_is_not_counted_while_a_method_runs(connect, fast):
    client, other = connect(fast), connect(fast)
    ping(client)
    name = client.call("Gate", "E68")

    client.listen(2 * CLIENT_TIMEOUT)
    assert client.inbox == []
    other.result("OpenGate", "E68")

    assert client.completion(name)["result"] == "E68"


@pytest.mark.case("E69")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_a_client_that_leaves_is_no_error(connect, server, log, transport):
    client = connect(server, transport=transport)
    client.transport.stop()

    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("E70", "T15")
@pytest.mark.parametrize("transport, protocol", [
    ("WebSockets", "json"), ("WebSockets", "messagepack"), ("ServerSentEvents", "json"),
    ("LongPolling", "json"), ("LongPolling", "messagepack")])
def test_a_goodbye_is_answered_without_leave_to_come_back(
        connect, server, log, transport, protocol):
    client = connect(server, transport=transport, protocol=protocol)
    client.say_goodbye()

    assert client.until_end() == [{"type": 7}]
    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("E71")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_the_error_of_a_goodbye_is_told_to_the_hub(connect, server, log, protocol):
    client = connect(server, protocol=protocol)
    client.say_goodbye(error="I broke")

    assert client.until_end()[-1] == {"type": 7}
    assert "I broke" in log.end_of(client.connection_id)


@pytest.mark.case("E72")
@pytest.mark.parametrize("protocol, part", [
    ("json", b'{"type":6'), ("messagepack", b"\x02\x91")])
def test_a_client_that_goes_within_a_message_broke_the_protocol(
        connect, server, log, protocol, part):
    client = connect(server, protocol=protocol)
    client.send_bytes(part)
    client.transport.stop()

    client.until_end()
    assert log.end_of(client.connection_id) != "-"


@pytest.mark.case("E73")
@pytest.mark.parametrize("transport", ["ServerSentEvents", "LongPolling"])
def test_a_hub_may_end_a_connection_of_any_transport(connect, server, log, transport):
    client = connect(server, transport=transport)
    log.until(f"connected {client.connection_id}")
    log.client.result("Abort", client.connection_id)

    assert client.until_end() == [{"type": 7}]
    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("E78", "F01")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_acks_and_sequences_mean_nothing_without_stateful_reconnect(connect, server, protocol):
    client = connect(server, protocol=protocol)
    client.send({"type": 8, "sequenceId": 5}, {"type": 9, "sequenceId": 99})

    assert client.unasked() == []
