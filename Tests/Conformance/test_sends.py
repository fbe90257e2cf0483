"""E20 to E30, E80 and E85: who hears what is sent.

    All, Others, Caller, AllExcept, Client(s), Group(s), GroupExcept, OthersInGroup, User(s)
"""

import itertools

import pytest
from hub.client import HubClient

_names = itertools.count(1)


def unique(name: str) -> str:
    """Groups and users of one test only."""
    return f"{name}-{next(_names)}"


def heard_by(clients: dict[str, HubClient]) -> dict[str, list]:
    return {name: heard for name, client in clients.items()
            if (heard := client.messages_heard())}


@pytest.fixture
def four(connect, server):
    """Of every transport and protocol one."""
    return {"a": connect(server), "b": connect(server, protocol="messagepack"),
            "c": connect(server, transport="ServerSentEvents"),
            "d": connect(server, transport="LongPolling")}


def ids(clients: dict[str, HubClient], names: str) -> list[str]:
    return [clients[name].connection_id for name in names]


@pytest.mark.case("E20")
def test_everybody_hears_what_is_sent_to_all(four):
    four["a"].result("SendAll", "hi")

    assert heard_by(four) == dict.fromkeys("abcd", ["hi"])


@pytest.mark.case("E21")
def test_each_target_is_exactly_its_connections(four):
    sender = four["a"]
    for method, arguments, receivers in (
            ("SendOthers", ["x"], "bcd"), ("SendCaller", ["x"], "a"),
            ("SendAllExcept", ["x", ids(four, "bc")], "ad"),
            ("SendConnection", [ids(four, "c")[0], "x"], "c"),
            ("SendConnections", [ids(four, "ad"), "x"], "ad")):
        sender.result(method, *arguments)

        assert heard_by(four) == dict.fromkeys(receivers, ["x"]), method


@pytest.mark.case("E21", "E80", "E27", "T16")
def test_a_user_is_all_connections_of_that_name(connect, server):
    ann, bob = unique("ann"), unique("bob")
    clients = {"ann1": connect(server, user=ann), "ann2": connect(
        server, user=ann, transport="LongPolling"), "bob": connect(server, user=bob),
        "nobody": connect(server), "ANN": connect(server, user=ann.upper())}

    clients["nobody"].result("SendUser", ann, "1")
    assert heard_by(clients) == {"ann1": ["1"], "ann2": ["1"]}
    clients["nobody"].result("SendUsers", [ann, bob], "2")
    assert heard_by(clients) == {"ann1": ["2"], "ann2": ["2"], "bob": ["2"]}
    assert clients["ann1"].result("UserId") == ann
    assert clients["nobody"].result("UserId") is None


@pytest.mark.case("E22", "E25")
def test_a_group_is_who_has_joined_and_not_left(four):
    group = unique("g")
    for name in "bcd":
        four[name].result("Join", group)
    four["a"].result("SendGroup", group, "1")
    assert heard_by(four) == dict.fromkeys("bcd", ["1"])

    four["c"].result("Leave", group)
    four["b"].result("SendGroup", group, "2")

    assert heard_by(four) == dict.fromkeys("bd", ["2"])


@pytest.mark.case("E23")
def test_parts_of_groups_and_several_groups(four):
    first, second = unique("g"), unique("h")
    for name in "abc":
        four[name].result("Join", first)
    for name in "cd":
        four[name].result("Join", second)

    four["a"].result("SendGroupExcept", first, ids(four, "b"), "1")
    assert heard_by(four) == dict.fromkeys("ac", ["1"])
    four["a"].result("SendOthersInGroup", first, "2")
    assert heard_by(four) == dict.fromkeys("bc", ["2"])
    four["d"].result("SendOthersInGroup", first, "3")
    assert heard_by(four) == dict.fromkeys("abc", ["3"])
    four["a"].result("SendGroups", [first, second], "4")
    assert heard_by(four) == {"a": ["4"], "b": ["4"], "c": ["4", "4"], "d": ["4"]}


@pytest.mark.case("E22")
def test_joining_twice_is_joining_once(client):
    group = unique("g")
    client.result("Join", group)
    client.result("Join", group)
    client.result("SendGroup", group, "1")
    assert client.messages_heard() == ["1"]

    client.result("Leave", group)
    client.result("SendGroup", group, "2")
    assert client.messages_heard() == []


@pytest.mark.case("E24")
def test_leaving_a_group_one_is_not_in_is_no_error(client):
    assert client.result("Leave", unique("never")) is None
    assert client.result("SendGroup", unique("never"), "x") is None


@pytest.mark.case("E25")
def test_a_group_forgets_who_has_gone(connect, server, log):
    group, gone, here = unique("g"), connect(server), connect(server)
    gone.result("Join", group)
    here.result("Join", group)
    gone.transport.drop()
    log.end_of(gone.connection_id)

    here.result("SendGroup", group, "x")

    assert here.messages_heard() == ["x"]


@pytest.mark.case("E26", "R23")
@pytest.mark.parametrize("name, other", [("Group", "group"), ("a:b c", "a:b  c"), ("ä", "Ä"),
                                         ("*", "a"), ("[ab]", "a"), ("\u00e4", "a\u0308")])
def test_names_of_groups_are_literal(connect, server, name, other):
    clients = {"name": connect(server), "other": connect(server)}
    clients["name"].result("Join", name)
    clients["other"].result("Join", other)

    clients["other"].result("SendGroup", name, "x")

    assert heard_by(clients) == {"name": ["x"]}
    clients["name"].result("Leave", name)
    clients["other"].result("Leave", other)


@pytest.mark.case("E28")
def test_sending_to_nobody_is_no_error(client):
    assert client.result("SendConnection", "unknown", "x") is None
    assert client.result("SendConnections", ["unknown", ""], "x") is None
    assert client.result("SendUser", unique("nobody"), "x") is None


@pytest.mark.case("E30")
def test_each_member_of_a_group_hears_in_its_own_protocol(four):
    group, text = unique("g"), "ä\n\"🙂"
    for client in four.values():
        client.result("Join", group)

    four["b"].result("SendGroup", group, text)

    assert heard_by(four) == dict.fromkeys("abcd", [text])


@pytest.mark.case("E20")
def test_what_one_caller_sends_arrives_in_order(connect, server, client):
    receiver = connect(server)
    for number in range(200):
        client.tell("SendConnection", receiver.connection_id, str(number))
    client.result("Nothing")

    assert receiver.messages_heard() == [str(number) for number in range(200)]


@pytest.mark.case("E22")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_another_connection_may_be_joined_and_left(connect, server, client, protocol):
    group, member = unique("g"), connect(server, protocol=protocol)

    client.result("JoinFor", member.connection_id, group)
    client.result("SendGroup", group, "1")
    client.result("LeaveFor", member.connection_id, group)
    client.result("SendGroup", group, "2")

    assert member.messages_heard() == ["1"]


@pytest.mark.case("R15")
def test_a_group_change_of_nobody_is_no_error_on_a_single_server(client):
    assert client.result("JoinFor", "nobody", unique("g")) is None


@pytest.mark.case("E23")
@pytest.mark.parametrize("method, arguments", [
    ("SendUsers", [[], "x"]), ("SendGroups", [[], "x"]), ("SendConnections", [[], "x"])])
def test_an_empty_list_of_targets_is_nobody(client, method, arguments):
    assert client.result(method, *arguments) is None
    assert client.messages_heard() == []


@pytest.mark.case("E21")
@pytest.mark.parametrize("value", [1, 1.5, "x", None, True, [1, [2]], {"a": {"b": None}}])
def test_a_value_of_any_kind_is_pushed(connect, server, value):
    for protocol in ("json", "messagepack"):
        client = connect(server, protocol=protocol)
        client.result("SendValue", value)

        assert client.pushed() == value
