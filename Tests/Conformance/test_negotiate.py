"""N01 to N28: what negotiate answers, and what its tokens open.

    POST {hub}/negotiate?negotiateVersion=N ──▶ ids, transports │ {"error":…} with status 200
"""

import re

import pytest
from hub.client import HubClient, negotiate
from support.deadline import until
from support.http_wire import request
from support.websocket_wire import Refused

ID = re.compile(r"[A-Za-z0-9_-]{22}")
ALL_TRANSPORTS = [{"transport": "WebSockets", "transferFormats": ["Text", "Binary"]},
                  {"transport": "ServerSentEvents", "transferFormats": ["Text"]},
                  {"transport": "LongPolling", "transferFormats": ["Text", "Binary"]}]


def poll(server, token: str, hub: str = "/hub") -> int:
    return request(server.address, "GET", f"{hub}?id={token}").status


def assert_refused(answer, text: str) -> None:
    assert answer.status == 200
    assert list(answer.json()) == ["error"]
    assert text in answer.json()["error"]


@pytest.mark.parametrize("query", [
    pytest.param("", marks=pytest.mark.case("N01")),
    pytest.param("negotiateVersion=0", marks=pytest.mark.case("N03"))])
def test_version_0_has_one_id_that_is_the_token_too(server, query):
    answer = negotiate(server, query=query).json()

    assert answer["negotiateVersion"] == 0
    assert ID.fullmatch(answer["connectionId"])
    assert "connectionToken" not in answer
    assert poll(server, answer["connectionId"]) == 200


@pytest.mark.case("N02")
def test_version_1_has_a_public_id_that_opens_nothing(server):
    answer = negotiate(server).json()

    assert list(answer) == ["negotiateVersion", "connectionId", "connectionToken",
                            "availableTransports"]
    assert answer["negotiateVersion"] == 1
    assert ID.fullmatch(answer["connectionId"])
    assert ID.fullmatch(answer["connectionToken"])
    assert answer["connectionId"] != answer["connectionToken"]
    assert poll(server, answer["connectionId"]) == 404
    assert poll(server, answer["connectionToken"]) == 200


@pytest.mark.case("N04")
@pytest.mark.parametrize("version", [2, 99])
def test_a_newer_version_is_answered_with_1(server, version):
    answer = negotiate(server, query=f"negotiateVersion={version}").json()

    assert answer["negotiateVersion"] == 1
    assert ID.fullmatch(answer["connectionToken"])


@pytest.mark.case("N05", "N08")
@pytest.mark.parametrize("version", ["Invalid", "", "1.5"])
def test_a_version_that_is_no_integer_is_an_error_and_nothing_else(server, version):
    assert_refused(negotiate(server, query=f"negotiateVersion={version}"), "nteger")


@pytest.mark.case("N06", "N08")
def test_a_negative_version_is_below_the_lowest(server):
    assert_refused(negotiate(server, query="negotiateVersion=-1"), "-1")


@pytest.mark.case("N07", "N08")
@pytest.mark.parametrize("query", ["", "negotiateVersion=0"])
def test_a_hub_with_lowest_version_1_refuses_0_by_name(server, query):
    assert_refused(negotiate(server, "/min1", query), "0")


@pytest.mark.case("N07")
def test_a_hub_with_lowest_version_1_takes_1(server):
    assert negotiate(server, "/min1").json()["negotiateVersion"] == 1


@pytest.mark.parametrize("hub, indexes", [
    pytest.param("/hub", (0, 1, 2), marks=pytest.mark.case("N09")),
    pytest.param("/ws", (0,)), pytest.param("/sse", (1,)), pytest.param("/ws-sse", (0, 1)),
    pytest.param("/lp", (2,), marks=pytest.mark.case("N10")),
    pytest.param("/none", (), marks=pytest.mark.case("N11"))])
def test_the_transports_of_a_hub_are_named_in_their_order(server, hub, indexes):
    answer = negotiate(server, hub).json()

    assert answer["availableTransports"] == [ALL_TRANSPORTS[index] for index in indexes]


@pytest.mark.case("N13")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_negotiate_is_a_POST(server, method):
    answer = request(server.address, method, "/hub/negotiate?negotiateVersion=1")

    assert answer.status == 405
    assert answer.header("Content-Type").split(";")[0] == "text/plain"


@pytest.mark.case("N14")
def test_no_two_ids_are_alike(server):
    answers = [negotiate(server).json() for _ in range(20)]

    ids = [answer[name] for answer in answers for name in ("connectionId", "connectionToken")]
    assert len(set(ids)) == 40


@pytest.mark.parametrize("hub, query, is_granted", [
    pytest.param("/stateful", "useStatefulReconnect=true", True, marks=pytest.mark.case("N15")),
    pytest.param("/stateful", "USESTATEFULRECONNECT=True", True, marks=pytest.mark.case("N15")),
    pytest.param("/hub", "useStatefulReconnect=true", False, marks=pytest.mark.case("N16")),
    pytest.param("/stateful", "", False, marks=pytest.mark.case("N17")),
    pytest.param("/stateful", "useStatefulReconnect=false", False,
                 marks=pytest.mark.case("N17")),
    pytest.param("/stateful", "useStatefulReconnect=abc", False, marks=pytest.mark.case("N17"))])
def test_stateful_reconnect_is_granted_only_where_it_is_allowed_and_asked_for(
        server, hub, query, is_granted):
    answer = negotiate(server, hub, "&".join(filter(None, ("negotiateVersion=1", query)))).json()

    assert answer.get("useStatefulReconnect", False) is is_granted


@pytest.mark.case("N18")
@pytest.mark.parametrize("query", ["negotiateVersion=1", "negotiateVersion=x"])
def test_the_answer_is_JSON_of_known_length(server, query):
    answer = negotiate(server, query=query)

    assert answer.header("Content-Type").split(";")[0] == "application/json"
    assert answer.header("Content-Length") == str(len(answer.body))


@pytest.mark.case("N19")
def test_the_names_of_the_query_have_no_case(server):
    answer = negotiate(server, query="NEGOTIATEVERSION=1").json()

    assert answer["negotiateVersion"] == 1
    assert poll(server, answer["connectionToken"]) == 200


@pytest.mark.case("N20")
def test_a_token_that_is_not_used_in_time_opens_nothing(connect, fast):
    late = negotiate(fast).json()["connectionToken"]

    # Twice its life, told by the pings of another connection.
    clock = connect(fast)
    until("its time is over", lambda: clock.listen(1) or clock.pings >= 4, within=10)

    assert poll(fast, late) == 404
    assert request(fast.address, "POST", f"/hub?id={late}", body=b"x").status == 404


@pytest.mark.case("N26")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_the_query_of_the_application_comes_along(connect, server, transport):
    client = connect(server, transport=transport, query="a=b&key=mine")

    assert client.result("HasHttp") == "mine"


@pytest.mark.case("N27")
def test_a_stranger_gets_no_token(server):
    assert negotiate(server, "/protected").status == 401
    assert negotiate(server, "/protected", user="ann").status == 200


@pytest.mark.case("N02")
def test_the_public_id_does_not_open_a_WebSocket(server):
    public = negotiate(server).json()["connectionId"]

    with pytest.raises(Refused) as refused:
        HubClient(server, negotiates=False, query=f"id={public}")
    assert refused.value.response.status == 404
