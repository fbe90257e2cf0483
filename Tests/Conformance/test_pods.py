"""R05 to R30 and C16 to C18: three pods on one Redis, as clients of different pods see them.

    client ──▶ pod 0 ── PUBLISH ──▶ Redis ──▶ pod 1, pod 2 ──▶ their clients
"""

import itertools
import time

import pytest
from hub.client import CODECS, HubClient
from hub.messagepack_codec import pack, unpack
from hub.stateful import StatefulClient
from support.deadline import until

_names = itertools.count(1)


def unique(name: str) -> str:
    return f"{name}-{next(_names)}"


@pytest.fixture
def three(connect, pods):
    """One client on each pod, in both protocols."""
    return [connect(pods[0]), connect(pods[1], protocol="messagepack"),
            connect(pods[2], transport="LongPolling")]


def heard_by(clients: list[HubClient], count: int) -> list[list]:
    """What each has heard once `count` pushes have come in all, and no more with the next call."""
    heard: list[list] = [[] for _ in clients]

    def more() -> bool:
        for mine, client in zip(heard, clients, strict=True):
            mine += client.messages_heard()
        return sum(map(len, heard)) >= count

    until(f"{count} pushes are heard", more)
    # One round of a message through Redis later, nothing more has come.
    for client in clients:
        client.result("SendUser", "nobody", "x")
    more()
    return heard


@pytest.mark.case("R05", "R09", "R08", "R07")
def test_each_target_is_exactly_its_connections_on_all_pods(three):
    ids = [client.connection_id for client in three]
    for method, arguments, receivers in (
            ("SendAll", ["x"], [0, 1, 2]), ("SendOthers", ["x"], [1, 2]),
            ("SendAllExcept", ["x", [ids[1]]], [0, 2]),
            ("SendConnection", [ids[2], "x"], [2]), ("SendConnection", [ids[0], "x"], [0]),
            ("SendConnections", [[ids[0], ids[1]], "x"], [0, 1])):
        three[0].result(method, *arguments)

        expected = [["x"] if number in receivers else [] for number in range(3)]
        assert heard_by(three, len(receivers)) == expected, method


@pytest.mark.case("R06")
def test_the_others_hear_when_one_has_gone(three):
    three[1].transport.drop()

    three[0].result("SendAll", "x")

    assert heard_by([three[0], three[2]], 2) == [["x"], ["x"]]


@pytest.mark.case("R10", "R11", "E23")
def test_a_group_may_be_on_several_pods(three):
    group, other = unique("g"), unique("h")
    for client in three:
        client.result("Join", group)
    three[2].result("Join", other)
    ids = [client.connection_id for client in three]

    three[1].result("SendGroup", group, "1")
    assert heard_by(three, 3) == [["1"]] * 3
    three[0].result("SendGroupExcept", group, [ids[0], ids[1]], "2")
    assert heard_by(three, 1) == [[], [], ["2"]]
    three[1].result("SendOthersInGroup", group, "3")
    assert heard_by(three, 2) == [["3"], [], ["3"]]
    three[0].result("SendGroups", [group, other], "4")
    assert heard_by(three, 4) == [["4"], ["4"], ["4", "4"]]


@pytest.mark.case("R16", "R17")
def test_a_user_may_be_on_several_pods(connect, pods):
    ann, bob = unique("ann"), unique("bob")
    clients = [connect(pods[0], user=ann), connect(pods[1], user=ann),
               connect(pods[2], user=bob), connect(pods[2])]

    clients[3].result("SendUser", ann, "1")
    assert heard_by(clients, 2) == [["1"], ["1"], [], []]
    clients[0].result("SendUsers", [bob, ann], "2")
    assert heard_by(clients, 3) == [["2"], ["2"], ["2"], []]
    for method in ("SendUsers", "SendGroups", "SendConnections"):
        assert clients[0].result(method, [], "3") is None
        assert clients[0].result(method, [""], "3") is None
    assert heard_by(clients, 0) == [[], [], [], []]


@pytest.mark.case("R12", "R13", "R14")
def test_a_connection_of_another_pod_joins_and_leaves_once_the_call_is_answered(three):
    group, member = unique("g"), three[1]
    for _ in range(2):
        three[0].result("JoinFor", member.connection_id, group)
    member.result("Join", group)
    three[2].result("SendGroup", group, "1")
    assert heard_by(three, 1) == [[], ["1"], []]

    three[0].result("LeaveFor", member.connection_id, group)
    three[0].result("LeaveFor", member.connection_id, unique("never"))
    three[2].result("SendGroup", group, "2")
    three[2].result("SendAll", "3")

    assert heard_by(three, 3) == [["3"], ["3"], ["3"]]


@pytest.mark.case("R15")
def test_a_group_change_of_a_connection_that_nobody_has_fails_within_about_a_second(three):
    begin = time.monotonic()
    completion = three[0].invoke("JoinFor", "A" * 22, unique("g"), within=5)

    assert "error" in completion
    assert time.monotonic() - begin < 2


@pytest.mark.case("R18")
def test_channels_are_subscribed_while_there_is_somebody_on_them(connect, pods):
    user, group = unique("ann"), unique("g")
    clients = [connect(pods[0], user=user), connect(pods[0], user=user)]
    for client in clients:
        client.result("Join", group)
    prefix = pods.prefix(clients[0].connection_id)
    shared = [f"{prefix}:user:{user}", f"{prefix}:group:{group}"]

    with pods.keys() as keys:
        def subscribers(channel: str) -> int:
            return keys.pubsub_numsub(channel)[0][1]

        assert [subscribers(channel) for channel in shared] == [1, 1]
        clients[0].transport.drop()
        own = f"{prefix}:connection:{clients[0].connection_id}"
        until("its channel is left", lambda: subscribers(own) == 0)
        assert [subscribers(channel) for channel in shared] == [1, 1]
        clients[1].transport.drop()
        until("all are left", lambda: [subscribers(channel) for channel in shared] == [0, 0])


@pytest.mark.case("R19")
def test_a_leave_and_a_join_at_once_lose_no_subscription(connect, pods):
    group, sender = unique("g"), connect(pods[2])
    first, second = connect(pods[0]), connect(pods[0])
    first.result("Join", group)
    for number in range(20):
        leaver, joiner = (first, second) if number % 2 == 0 else (second, first)
        leaving, joining = leaver.call("Leave", group), joiner.call("Join", group)
        leaver.completion(leaving)
        joiner.completion(joining)

        sender.result("SendGroup", group, str(number))

        assert joiner.pushed() == str(number)


@pytest.mark.case("R20", "R22")
def test_each_pod_has_a_name_of_its_own(pods, three):
    prefix = pods.prefix(three[0].connection_id)
    with pods.keys() as keys:
        for kind in ("ack", "return"):
            channels = keys.pubsub_channels(f"{prefix}:internal:{kind}:*")
            assert len(set(channels)) == len(pods.servers)
            assert all(keys.pubsub_numsub(channel)[0][1] == 1 for channel in channels)
        assert keys.pubsub_numsub(f"{prefix}:all")[0][1] == len(pods.servers)
        assert keys.pubsub_numsub(f"{prefix}:internal:groups")[0][1] == len(pods.servers)


@pytest.mark.case("R21")
def test_a_receiver_whose_protocol_is_missing_is_aborted(pods, three):
    prefix = pods.prefix(three[1].connection_id)
    record = CODECS["json"].encode({"type": 1, "target": "Message", "arguments": ["json only"]})
    with pods.keys() as keys:
        keys.publish(f"{prefix}:all", pack([[], {"json": record}]))

    assert three[1].until_end()[-1]["type"] == 7
    assert heard_by([three[0], three[2]], 2) == [["json only"]] * 2


@pytest.mark.case("R23")
@pytest.mark.parametrize("group", ["a:b", "a b", "Grüße 日本", "*", "?[a-z]", "\\x", "g\n"])
def test_names_of_groups_are_literal_between_pods(three, group):
    three[1].result("Join", group)
    three[0].result("SendGroup", group, "x")

    assert heard_by(three, 1) == [[], ["x"], []]
    three[1].result("Leave", group)


@pytest.mark.case("R28")
def test_two_hubs_of_one_process_do_not_hear_each_other(connect, pods, three):
    other = connect(pods[1], "/json")
    assert pods.prefix(other.connection_id) != pods.prefix(three[0].connection_id)

    other.result("SendAll", "in /json")
    three[0].result("SendAll", "in /hub")

    assert heard_by([*three, other], 4) == [["in /hub"]] * 3 + [["in /json"]]


# As a .NET pod, by script: what it would publish is published, what it would read is read.


@pytest.mark.case("R31")
@pytest.mark.parametrize("excluded", [[], [0]])
def test_what_a_NET_pod_publishes_is_delivered_in_both_protocols(pods, three, excluded):
    prefix = pods.prefix(three[0].connection_id)
    push = {"type": 1, "target": "Message", "arguments": ["from .NET"]}
    payload = {name: codec.encode(push) for name, codec in CODECS.items()}
    with pods.keys() as keys:
        keys.publish(f"{prefix}:all", pack(
            [[three[number].connection_id for number in excluded], payload]))

    expected = [[] if number in excluded else ["from .NET"] for number in range(3)]
    assert heard_by(three, 3 - len(excluded)) == expected


@pytest.mark.case("R32")
def test_what_a_pod_publishes_is_what_a_NET_pod_reads(pods, three):
    prefix = pods.prefix(three[0].connection_id)
    with pods.keys() as keys, keys.pubsub() as listening:
        listening.subscribe(f"{prefix}:all")
        until("it listens", lambda: listening.get_message(timeout=1))

        three[0].result("SendAllExcept", "hi", ["c1"])
        message = until("it is published", lambda: listening.get_message(timeout=1))

    excluded, payload = unpack(message["data"])
    assert excluded == ["c1"]
    assert payload == {
        "json": b'{"type":1,"target":"Message","arguments":["hi"]}\x1e',
        "messagepack": bytes.fromhex("11 96 01 80 C0 A7") + b"Message\x91\xa2hi\x90"}
    assert list(payload) == ["json", "messagepack"]


@pytest.mark.case("R31", "R32", "R12")
def test_a_NET_pod_may_join_our_connection_and_is_told(pods, three):
    prefix, group = pods.prefix(three[0].connection_id), unique("g")
    with pods.keys() as keys, keys.pubsub() as listening:
        listening.subscribe(f"{prefix}:internal:ack:dotnet_1")
        until("it listens", lambda: listening.get_message(timeout=1))

        keys.publish(f"{prefix}:internal:groups",
                     pack([300, "dotnet_1", 1, group, three[1].connection_id]))

        message = until("it is told", lambda: listening.get_message(timeout=1))
    assert message["data"] == bytes.fromhex("91 CD 01 2C")
    three[0].result("SendGroup", group, "x")
    assert heard_by(three, 1) == [[], ["x"], []]


@pytest.mark.case("R31", "R30", "C16")
def test_a_NET_pod_may_ask_our_connection_and_is_answered(pods, three):
    prefix, asked = pods.prefix(three[1].connection_id), three[1]
    name, home = "A" * 22, f"{prefix}:internal:return:dotnet_1"
    question = {"type": 1, "invocationId": name, "target": "GetValue", "arguments": [1]}
    payload = {protocol: codec.encode(question) for protocol, codec in CODECS.items()}
    with pods.keys() as keys, keys.pubsub() as listening:
        listening.subscribe(home)
        until("it listens", lambda: listening.get_message(timeout=1))

        keys.publish(f"{prefix}:connection:{asked.connection_id}",
                     pack([[], payload, name, home]))
        assert asked.question()["invocationId"] == name
        asked.answer({"invocationId": name}, result=5)

        message = until("it is answered", lambda: listening.get_message(timeout=1))
    protocol, completion = unpack(message["data"])
    assert CODECS[protocol].decode(completion) == [
        {"type": 3, "invocationId": name, "result": 5}]


@pytest.mark.case("R30", "R03", "R04")
def test_what_is_no_envelope_harms_nobody(pods, three):
    prefix = pods.prefix(three[0].connection_id)
    with pods.keys() as keys:
        returns = keys.pubsub_channels(f"{prefix}:internal:return:*")
        for channel in (f"{prefix}:all", f"{prefix}:internal:groups", *returns):
            for payload in (b"", b"\xc1", pack([]), pack([[]]), pack(7), pack(["no such", b"x"])):
                keys.publish(channel, payload)
        push = CODECS["json"].encode({"type": 1, "target": "Message", "arguments": ["extra"]})
        keys.publish(f"{prefix}:connection:{three[0].connection_id}",
                     pack([[], {"json": push}, None, None, "more", 1]))

    assert three[0].pushed() == "extra"
    three[0].result("SendAll", "x")
    assert heard_by(three, 3) == [["x"]] * 3


# Client results


@pytest.mark.case("C16", "R29")
@pytest.mark.parametrize("asker, asked", [(0, 1), (1, 0), (0, 2), (2, 1)])
def test_a_connection_of_another_pod_may_be_asked(three, asker, asked):
    asks, answers = three[asker], three[asked]
    asking = [asks.call("Ask", answers.connection_id, "Value", {"n": n}) for n in range(2)]

    questions = [answers.question(), answers.question()]
    assert len({each["invocationId"] for each in questions}) == 2
    for each in reversed(questions):
        answers.answer(each, result=each["arguments"][0]["n"])

    assert [asks.completion(name)["result"] for name in asking] == [0, 1]


@pytest.mark.case("C16")
def test_the_error_of_a_connection_of_another_pod_is_thrown(three):
    asking = three[0].call("Ask", three[1].connection_id, "Value", 1)
    three[1].answer(three[1].question(), error="I cannot")

    assert "I cannot" in three[0].completion(asking)["error"]


@pytest.mark.case("R29")
def test_two_pods_give_one_client_different_ids(three):
    names = []
    for asker in (0, 2):
        three[asker].call("Ask", three[1].connection_id, "Value", 1)
        names.append(three[1].question()["invocationId"])

    assert len(set(names)) == 2


@pytest.mark.case("C05")
def test_only_the_pod_that_asked_hears_and_only_who_was_asked_answers(three):
    asking = three[0].call("Ask", three[1].connection_id, "Value", 1)
    question = three[1].question()

    three[2].answer(question, result="forged")
    assert three[2].result("Echo", 1) == 1
    three[1].answer(question, result="genuine")

    assert three[0].completion(asking)["result"] == "genuine"


@pytest.mark.case("C17")
def test_asking_a_connection_that_no_pod_has_fails_at_once(three):
    begin = time.monotonic()

    assert "does not exist." in three[0].error("Ask", "A" * 22, "Value", 1)
    assert time.monotonic() - begin < 1


@pytest.mark.case("C18")
@pytest.mark.parametrize("asked", [1, 2])
def test_a_connection_of_another_pod_that_leaves_instead_of_answering_is_an_error(three, asked):
    asking = three[0].call("Ask", three[asked].connection_id, "Value", 1)
    three[asked].question()

    three[asked].transport.stop()

    assert "disconnected." in three[0].completion(asking)["error"]


@pytest.mark.case("F17")
def test_a_message_of_another_pod_is_numbered_and_comes_again(connect, pods):
    client, other = StatefulClient(pods[0]), connect(pods[1], "/stateful")
    group = unique("g")
    client.result("Join", group)
    client.acknowledge(1)
    other.result("SendGroup", group, "1")
    assert client.pushed() == "1"
    client.cut()
    other.result("SendGroup", group, "2")

    client.attach(sequence=2)

    first = client.told_sequence()
    assert first in (1, 2)
    client.take("the first again", lambda message: message.get("arguments") == ["1"])
    assert client.pushed() == "2"
    client.transport.drop()


@pytest.mark.case("R27")
def test_one_that_does_not_read_holds_up_no_other(connect, pods, three):
    dead, group = connect(pods[1]), unique("g")
    dead.result("Join", group)
    three[1].result("Join", group)
    # Less than the MiB at which one that does not read is cut: the living one reads only behind it.
    for _ in range(45):
        three[0].tell("SendGroup", group, "x" * 20_000)
    three[0].result("SendAll", "after it")

    three[1].take("the last", lambda message: message.get("arguments") == ["after it"], 15)
    assert len(three[1].inbox) == 45
