"""No sticky sessions: every single request of every connection goes to the next of three pods.

    1,000 connections ──▶ negotiate, attach, POST, poll, DELETE ──▶ whichever pod is next
"""

import asyncio

import pytest
from hub.crowd import Rotation, each_hears, gather
from hub.stateful import StatefulClient
from hub.transports import ServerSentEvents
from support.deadline import until
from support.websocket_wire import Refused

CONNECTIONS = 1_000
PUSHES = 3
HEARD_WITHIN = 40.0


async def crowd_hears_everything_once(pods, transport: str) -> Rotation:
    rotation = Rotation(pods.servers)
    members = await gather(rotation, transport, CONNECTIONS)
    assert len({member.id for member in members}) == CONNECTIONS
    listening = asyncio.create_task(each_hears(members, PUSHES, HEARD_WITHIN))
    for number in range(PUSHES):
        # Through the members themselves: a call that is posted to whichever pod is next.
        record = (b'{"type":1,"target":"SendAll","arguments":["%d"]}' % number) + b"\x1e"
        await members[number].send(record)
    await listening
    # A message to each behind the others: who had heard one twice would have it in front.
    await members[0].send(b'{"type":1,"target":"SendAll","arguments":["last"]}\x1e')
    await each_hears(members, PUSHES + 1, HEARD_WITHIN)

    expected = {str(number) for number in range(PUSHES)} | {"last"}
    assert all(set(member.heard) == expected for member in members)
    assert all(len(member.heard) == PUSHES + 1 for member in members)
    await asyncio.gather(*(member.leave() for member in members))
    return rotation


@pytest.mark.case("R05", "N02")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_a_thousand_connections_over_all_pods_hear_every_push_once(pods, transport):
    rotation = asyncio.run(crowd_hears_everything_once(pods, transport))

    assert set(rotation.statuses) <= {101, 200, 202, 204}, rotation.statuses


@pytest.mark.case("R08", "C16")
@pytest.mark.parametrize("transport, protocol", [
    ("ServerSentEvents", "json"), ("LongPolling", "json"), ("LongPolling", "messagepack")])
def test_whatever_a_connection_does_works_on_any_pod(connect, pods, transport, protocol):
    client = connect(pods[0], transport=transport, protocol=protocol, pods=pods.servers,
                     user="ann")
    assert client.result("UserId") == "ann"
    assert client.result("ConnectionId") == client.connection_id
    assert client.items(client.stream("Counter", 50))[0] == list(range(50))
    upload = client.call("UploadConcat", streams=["s"])
    for letter in "BEANED":
        client.upload("s", letter, ends=False)
    client.upload("s")
    assert client.completion(upload)["result"] == "BEANED"
    asking = client.call("AskMe", "Value", 1)
    client.answer(client.question(), result=2)
    assert client.completion(asking)["result"] == 2
    client.say_goodbye()
    assert client.until_end() == [{"type": 7}]


@pytest.mark.case("X01", "X24")
def test_a_connection_that_has_ended_is_404_on_every_pod(connect, pods):
    client = connect(pods[0], transport="LongPolling", pods=pods.servers)
    assert client.endpoint.delete().status == 202

    for _ in pods.servers:
        assert client.endpoint.post(b"x").status == 404


@pytest.mark.case("X22")
def test_a_second_stream_of_events_is_409_on_every_pod(connect, pods):
    client = connect(pods[0], transport="ServerSentEvents", pods=pods.servers)

    for _ in pods.servers:
        with pytest.raises(Refused) as refused:
            ServerSentEvents(client.endpoint, is_binary=False)
        assert refused.value.response.status == 409
    assert client.result("Echo", 1) == 1


@pytest.mark.case("X26", "X27")
def test_a_newer_poll_on_another_pod_takes_over(connect, pods):
    client = connect(pods[0], transport="LongPolling", pods=pods.servers)
    other = connect(pods[1])
    for _ in range(6):
        client.transport.begin_poll()
        client.transport.drop()

        # What is written to the old one before its end is noticed is lost, as on any transport.
        until("the next poll is served", lambda: other.result(
            "SendConnection", client.connection_id, "x") or client.listen(0.2) or client.inbox)
        client.inbox.clear()


@pytest.mark.case("X26")
def test_of_two_polls_on_two_pods_the_newer_hears(connect, pods):
    client = connect(pods[0], transport="LongPolling", pods=pods.servers)
    other = connect(pods[1])
    client.transport.begin_poll()
    older = client.transport._poll
    client.transport._poll = None
    client.transport.begin_poll()

    assert older.read_response().status == 204
    other.result("SendConnection", client.connection_id, "for the newer")

    assert client.pushed() == "for the newer"
    older.close()


@pytest.mark.case("F04", "X48")
def test_a_stateful_connection_comes_back_through_another_pod(pods):
    client = StatefulClient(pods[0], pods=pods.servers)
    results = [client.invoke("Echo", number) for number in range(3)]
    client.cut()

    client.attach(sequence=4)

    assert client.told_sequence() == 1
    assert [client.next() for _ in range(3)] == results
    assert client.result("ConnectionId") == client.connection_id
    client.transport.drop()
