"""R24 to R26, and a pod that is killed while others wait for it.

    Redis ✕ ──▶ clients stay, hear their own pod ──▶ Redis ──▶ all hear all again
    pod 1 ✕ ──▶ who waits for an answer from there is told within a second
"""

import time

import pytest
from hub.client import HubClient
from support.deadline import until

RECOVERY_WITHIN = 15.0


def hears(sender: HubClient, receiver: HubClient) -> bool:
    """Whether a message of one reaches the other now; the sender may be told that it does not."""
    text = f"probe {time.monotonic()}"
    sender.invoke("SendConnection", receiver.connection_id, text)
    receiver.listen(0.2)
    return text in receiver.messages_heard()


@pytest.mark.case("R24", "R26")
def test_clients_stay_while_Redis_is_away_and_hear_each_other_afterwards(connect, new_pods):
    pods = new_pods(2).start()
    first, second = connect(pods[0]), connect(pods[1])
    # A pod serves clients before it has reached Redis.
    until("they hear each other", lambda: hears(first, second), within=RECOVERY_WITHIN)

    pods.redis.kill()
    until("its sender is told that others do not hear",
          lambda: "error" in first.invoke("SendAll", "local"), within=10)
    assert "error" in first.invoke("JoinFor", second.connection_id, "g")
    assert first.result("Echo", 1) == second.result("Echo", 1) == 1
    assert "local" in first.messages_heard()
    pods.redis.start()

    until("they hear each other", lambda: hears(first, second) and hears(second, first),
          within=RECOVERY_WITHIN)
    assert first.result("ConnectionId") == first.connection_id


@pytest.mark.case("R25")
def test_clients_that_come_while_Redis_is_away_are_served(connect, new_pods):
    """Stricter than the reference, which turns them away with 1011: they hear their own pod."""
    pods = new_pods(2)
    for server in pods.servers:
        server.start()
    first, second = connect(pods[0]), connect(pods[1])
    assert first.result("Echo", 1) == second.result("Echo", 1) == 1

    pods.redis.start()

    until("they hear each other", lambda: hears(first, second), within=RECOVERY_WITHIN)


@pytest.mark.case("C18")
@pytest.mark.parametrize("asked_transport", ["WebSockets", "LongPolling"])
def test_who_waits_for_a_pod_that_is_killed_is_told_within_a_second(
        connect, new_pods, asked_transport):
    pods = new_pods(2).start()
    asks, asked = connect(pods[0]), connect(pods[1], transport=asked_transport)
    other = connect(pods[0])
    asking = asks.call("Ask", asked.connection_id, "Value", 1)
    asked.question()

    pods[1].kill()
    begin = time.monotonic()

    assert "error" in asks.completion(asking)
    assert time.monotonic() - begin < 1
    assert other.result("Echo", 1) == 1


@pytest.mark.case("R15")
def test_a_group_change_under_way_to_a_pod_that_is_killed_fails_within_a_second(
        connect, new_pods):
    pods = new_pods(2).start()
    asks, member = connect(pods[0]), connect(pods[1])
    pods[1].kill()
    begin = time.monotonic()

    completion = asks.invoke("JoinFor", member.connection_id, "g")

    assert "error" in completion
    assert time.monotonic() - begin < 2
    assert asks.result("Echo", 1) == 1


@pytest.mark.case("R06", "R10")
def test_the_members_of_a_pod_that_is_killed_are_missed_by_nobody(connect, new_pods):
    pods = new_pods(3).start()
    clients = [connect(pods[number]) for number in range(3)]
    for client in clients:
        client.result("Join", "g")
    pods[1].kill()

    clients[0].result("SendGroup", "g", "x")

    assert [clients[0].pushed(), clients[2].pushed()] == ["x", "x"]
