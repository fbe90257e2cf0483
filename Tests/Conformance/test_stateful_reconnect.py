"""F01 to F19: a connection that outlives its socket.

    messages 1 2 3 ──✕      new socket, same token
    Sequence{first that is not acknowledged} ──▶ the rest again ──▶ what is new

Only types 1 to 5 have numbers. Source: section F of the reference's notes; the buffer of the hub
holds 1,000 bytes.
"""

import pytest
from hub.client import ACK, HubClient
from hub.stateful import StatefulClient
from support.http_wire import NothingCame
from support.websocket_wire import Refused


@pytest.fixture
def stateful(server):
    made = []

    def make(**options) -> StatefulClient:
        made.append(StatefulClient(server, **options))
        return made[-1]

    yield make
    for one in made:
        one.transport.drop()


def is_acked(client: HubClient) -> bool:
    """Whether an Ack comes within the time of two."""
    client.result("Echo", 1)
    try:
        client.take("ack", lambda message: message["type"] == ACK, 2.2)
    except NothingCame:
        return False
    return True


@pytest.mark.case("F01")
@pytest.mark.parametrize("hub, options", [
    ("/hub", {"stateful": True, "version": 2}), ("/stateful", {"version": 2}),
    ("/stateful", {"stateful": True, "version": 1}),
    ("/stateful", {"stateful": True, "version": 2, "transport": "LongPolling"}),
    ("/stateful", {"stateful": True, "version": 2, "transport": "ServerSentEvents"})],
    ids=["hub does not allow it", "not asked for", "version 1", "long polling", "events"])
def test_without_every_condition_nothing_is_acknowledged(connect, server, hub, options):
    assert not is_acked(connect(server, hub, **options))


@pytest.mark.case("F02", "F18", "F09")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_calls_are_acknowledged_by_their_number(stateful, protocol):
    client = stateful(protocol=protocol)
    client.send({"type": 6})
    for number in range(3):
        client.result("Echo", number)
    client.send({"type": 6})

    assert client.told_ack() == 3


@pytest.mark.case("F03")
def test_without_messages_nothing_is_acknowledged(stateful):
    client = stateful()
    client.send({"type": 6})

    client.listen(2.2)

    assert client.acks == []


@pytest.mark.case("F04")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_what_is_not_acknowledged_comes_again(stateful, protocol):
    client = stateful(protocol=protocol)
    results = [client.invoke("Echo", number) for number in range(3)]
    client.cut()

    client.attach(sequence=4)

    assert client.told_sequence() == 1
    assert [client.next() for _ in range(3)] == results
    assert client.result("ConnectionId") == client.connection_id


@pytest.mark.case("F05")
def test_what_is_acknowledged_does_not_come_again(stateful):
    client = stateful()
    results = [client.invoke("Echo", number) for number in range(3)]
    client.acknowledge(2)
    client.result("Nothing")
    client.cut()

    client.attach(sequence=5)

    assert client.told_sequence() == 3
    assert client.next() == results[2]


@pytest.mark.case("F06", "T09")
def test_when_all_is_acknowledged_nothing_comes_again(stateful, connect, server):
    client, other = stateful(), connect(server, "/stateful")
    for number in range(3):
        client.result("Echo", number)
    client.acknowledge(3)
    # The server has read the ack when it has done what stands behind it.
    client.tell("SendConnection", other.connection_id, "read")
    assert other.pushed() == "read"
    client.cut()

    client.attach(sequence=5)

    assert client.told_sequence() == 4
    assert client.unasked() == []


@pytest.mark.case("F07")
def test_a_message_that_was_handled_is_not_handled_again(stateful, connect, server):
    client, other = stateful(), connect(server, "/stateful")
    sends = [{"type": 1, "target": "SendConnection",
              "arguments": [other.connection_id, str(number)]} for number in (1, 2, 3)]
    client.send(*sends[:2])
    client.result("Nothing")
    client.cut()

    # To the server the third message was the call of Nothing; it sees 1, 2, 3 and then a new one.
    client.attach(sequence=1)
    client.send(*sends[:2], {"type": 1, "target": "Nothing", "arguments": []}, sends[2])
    client.told_sequence()
    client.result("Nothing")

    assert other.messages_heard() == ["1", "2", "3"]


@pytest.mark.case("F08")
def test_a_gap_in_what_the_client_sends_is_fatal(stateful, log):
    client = stateful()
    client.result("Echo", 1)
    client.cut()

    client.attach(sequence=9)

    client.until_end()
    assert log.end_of(client.connection_id) != "-"


@pytest.mark.case("F10")
def test_a_full_buffer_holds_up_who_sends_until_an_ack(stateful):
    client = stateful()
    name = client.call("Flood", 20, 200)

    client.listen(0.5)
    # 1,000 bytes of messages of 250; the one that exceeds them is still sent.
    first = len(client.inbox)
    assert 1 <= first <= 6
    client.acknowledge(client.received)
    client.listen(0.5)
    assert len(client.inbox) > first
    while not any(message["type"] == 3 for message in client.inbox):
        client.acknowledge(client.received)
        client._keep(client.transport.receive())

    assert client.completion(name).get("error") is None
    assert len(client.inbox) == 20


@pytest.mark.case("F11", "F05")
def test_an_ack_while_messages_come_again_loses_none(stateful):
    client = stateful()
    results = [client.invoke("Echo", number) for number in range(5)]
    client.cut()

    client.attach(sequence=6)
    client.acknowledge(2)

    first = client.told_sequence()
    assert first in (1, 3)
    assert [client.next() for _ in range(6 - first)] == results[first - 1:]
    assert client.unasked() == []


@pytest.mark.case("F12", "T09")
def test_what_is_sent_while_there_is_no_socket_comes_afterwards(stateful, connect, server, log):
    client, other = stateful(), connect(server, "/stateful")
    client.cut()
    for number in range(4):
        other.result("SendConnection", client.connection_id, str(number))

    client.attach(sequence=1)

    assert client.told_sequence() == 1
    assert [client.pushed() for _ in range(4)] == ["0", "1", "2", "3"]
    assert log.of(client.connection_id).count("connected") == 1
    assert not log.has_ended(client.connection_id)


@pytest.mark.case("F13")
def test_a_client_that_comes_back_too_late_is_404(fast, fast_log):
    client = StatefulClient(fast)
    client.cut()
    fast_log.end_of(client.connection_id, within=8)

    with pytest.raises(Refused) as refused:
        client.attach()
    assert refused.value.response.status == 404


@pytest.mark.case("F14", "F18")
def test_a_goodbye_leaves_no_way_back(stateful, log):
    client = stateful()
    client.say_goodbye()
    assert client.until_end() == [{"type": 7}]
    assert log.end_of(client.connection_id, 3) == "-"

    with pytest.raises(Refused) as refused:
        client.attach()
    assert refused.value.response.status == 404


@pytest.mark.case("F15")
def test_five_reconnects_lose_and_repeat_nothing(stateful, connect, server):
    client, other = stateful(), connect(server, "/stateful")
    client.drops_known, heard = True, []
    numbers = iter(range(100))

    def send(count: int) -> None:
        for _ in range(count):
            other.result("SendConnection", client.connection_id, str(next(numbers)))

    for _ in range(5):
        send(3)
        heard.append(client.pushed())
        client.acknowledge(client.received)
        heard.append(client.pushed())
        client.cut()
        send(1)
        client.attach(sequence=1)
        heard += [client.pushed() for _ in range(2)]
        client.acknowledge(client.received)

    assert heard == [str(number) for number in range(20)]
    assert client.unasked() == []


@pytest.mark.case("F16")
def test_a_new_socket_takes_over_from_one_that_is_still_open(stateful):
    client = stateful()
    client.result("Echo", 1)
    older = client.transport

    client.attach(sequence=2)

    assert client.told_sequence() == 1
    client.next()
    assert client.result("Echo", 2) == 2
    client.transport, newer = older, client.transport
    client.until_end()
    client.transport = newer
    assert client.result("Echo", 3) == 3


@pytest.mark.case("F19")
def test_an_ack_of_more_than_was_sent_is_passed_over(stateful):
    client = stateful()
    result = client.invoke("Echo", 1)
    client.acknowledge(1_000)
    assert client.result("Echo", 2) == 2
    client.cut()

    client.attach(sequence=3)

    assert client.told_sequence() <= 3
    assert client.result("Echo", 3) == 3
    assert result["result"] == 1
