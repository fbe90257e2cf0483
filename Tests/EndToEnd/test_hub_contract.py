"""The hub as a client sees it: N01-N10 from outside, ownership, the race, several tabs, the drain.

    POST ──▶ order ──▶ worker ──▶ Notification ──▶ every tab of the owner, and nobody else

Cases of the reference's suite that looked inside its process are told here by their effects; N06
(a legacy key of a Redis that is not there) has none. "Nobody else hears it" is asked with a Ping
after the owner has heard it: what the hub had sent by then has arrived.
Source: contract 2.3-2.6, 8.7, 9.8, 11 (W04); signalr notes A, C, E.2, E.7.
"""

import json

import pytest

from support.database import Database
from support.deadline import until
from support.hub_client import (ACCEPTED, COMPLETED, HANDSHAKE, PROCESSING, SEPARATOR, HubClient,
                                negotiate)
from support.http_wire import PeerClosed
from support.shop import Shop, new_user
from support.tokens import AUDIENCE, ISSUER, token_for
from support.websocket_wire import TEXT, Refused, WebSocket

UNKNOWN = "7b1f3c52-5d0c-4a0e-9a54-3d7b8a1c2f00"


@pytest.fixture
def shop(server):
    return Shop(server)


@pytest.fixture
def hub(server, shop):
    with HubClient(server, shop.user) as connected:
        yield connected


def notification_of(order: dict) -> dict:
    return {"correlationId": {"value": order["correlationId"]}, "status": COMPLETED,
            "orderId": order["id"]}


def status_of_connecting(server, *arguments, **options) -> int:
    """101, or the status with which the upgrade is refused."""
    try:
        with HubClient(server, *arguments, **options):
            return 101
    except Refused as refused:
        return refused.response.status


# N01-N10


def test_N01_a_completed_order_is_pushed_to_its_owner_in_the_exact_form(shop, hub):
    order = shop.ordered()

    assert hub.notification() == notification_of(order)
    assert hub.texts[-1] == (
        '{"type":1,"target":"Notification","arguments":[{"correlationId":{"value":"'
        f'{order["correlationId"]}"}},"status":2,"orderId":{order["id"]}}}]}}')


def test_N02_N04_an_event_without_an_owner_or_sense_is_put_aside_and_nobody_is_told(new_server):
    server = new_server(roles="accept")
    Shop(server.start()).ordered()
    server.stop()
    database = Database(server.database)
    for body in ({"bad": "payload"}, {"CorrelationId": {"Value": UNKNOWN}, "OrderId": 0}):
        database.insert_message("order.processed", body)
    database.insert_message("order.accepted", {"bad": "payload"})
    server.roles = "accept,process,notification"
    server.start()

    shop = Shop(server)
    with HubClient(server, shop.user) as hub:
        order = shop.ordered()
        assert hub.notification() == notification_of(order)
        until("the three messages are dead letters", lambda: database.dead_letters() == 3)
        until("all other work is done", database.is_quiet)
        assert hub.has_heard() == [notification_of(order)]


def test_N03_events_written_by_the_reference_are_understood(new_server):
    """The worker's event of one start is the notifier's input of the next."""
    server = new_server(roles="accept,process").start()
    shop = Shop(server)
    order = shop.ordered()
    database = Database(server.database)
    event = {"CorrelationId": {"Value": order["correlationId"]}, "OrderId": order["id"]}
    until("the processed event waits", lambda: database.events("order.processed") == [event])
    server.stop()
    server.roles = "notification"
    server.start()

    until("the event has been consumed", database.is_quiet)
    assert database.dead_letters() == 0
    with HubClient(server, shop.user) as hub:
        assert hub.result("GetCurrentStatus", order["correlationId"]) == {
            "status": COMPLETED, "orderId": order["id"]}


def test_N05_N10_registering_an_own_order_answers_null(shop, hub):
    order = shop.ordered()

    completion = hub.invoke("RegisterOrder", order["correlationId"])

    assert completion == {"type": 3, "invocationId": "1", "result": None}
    assert '{"type":3,"invocationId":"1","result":null}' in hub.texts


def test_N07_a_completed_order_answers_its_number(shop, hub):
    order = shop.ordered()
    hub.notification()

    assert hub.result("GetCurrentStatus", order["correlationId"]) == {
        "status": COMPLETED, "orderId": order["id"]}


def test_N08_an_unfinished_order_answers_its_status_without_a_number(new_server):
    server = new_server(roles="accept,notification").start()
    shop = Shop(server)
    correlation = shop.ordered()["correlationId"]
    with HubClient(server, shop.user) as hub:
        assert hub.result("GetCurrentStatus", correlation) == {
            "status": ACCEPTED, "orderId": None}

    # The states of a worker in the middle and of one that lost the cache last only moments, so the
    # row is set by hand and the cache emptied by a restart.
    server.stop()
    Database(server.database).set_order_status(correlation, PROCESSING)
    server.start()
    with HubClient(server, shop.user) as hub:
        assert hub.result("GetCurrentStatus", correlation) == {
            "status": PROCESSING, "orderId": None}


def test_N09_every_tab_of_a_user_hears_the_same_and_another_user_nothing(server, shop):
    def tab(user):
        token = token_for(user)
        connection = negotiate(server, token).json()["connectionToken"]
        return HubClient(server, user, token, connection_token=connection)

    with tab(shop.user) as first, tab(shop.user) as second, tab(new_user()) as other:
        order = shop.ordered()
        assert first.notification() == second.notification() == notification_of(order)
        assert first.texts[-1] == second.texts[-1]
        assert other.has_heard() == []


# Negotiate


def test_negotiate_version_1_gives_a_public_id_and_a_secret_token(server):
    response = negotiate(server, token_for("n"))

    assert response.status == 200
    assert response.header("Content-Type").split(";")[0] == "application/json"
    answer = response.json()
    assert list(answer)[:3] == ["negotiateVersion", "connectionId", "connectionToken"]
    assert answer["negotiateVersion"] == 1
    assert len(answer["connectionId"]) == len(answer["connectionToken"]) == 22
    assert answer["connectionId"] != answer["connectionToken"]
    assert answer["availableTransports"][0] == {
        "transport": "WebSockets", "transferFormats": ["Text", "Binary"]}


@pytest.mark.parametrize("query", ["", "negotiateVersion=0", "NEGOTIATEVERSION=0"])
def test_negotiate_version_0_gives_one_id_for_both(server, query):
    answer = negotiate(server, token_for("n"), query).json()

    assert answer["negotiateVersion"] == 0
    assert "connectionToken" not in answer
    with HubClient(server, "n", connection_token=answer["connectionId"]) as hub:
        assert hub.result("Ping") is None


def test_a_newer_negotiate_version_is_answered_with_version_1(server):
    assert negotiate(server, token_for("n"), "negotiateVersion=7").json()["negotiateVersion"] == 1


def test_a_negotiate_version_that_is_no_number_is_an_error_in_a_200(server):
    response = negotiate(server, token_for("n"), "negotiateVersion=one")

    assert response.status == 200
    assert list(response.json()) == ["error"]


def test_the_alias_path_negotiates_too(server):
    assert negotiate(server, token_for("n"), hub="/hubs/orders").status == 200


def test_an_unknown_connection_token_is_404(server):
    assert status_of_connecting(server, "n", connection_token="A" * 22) == 404


def test_the_public_id_is_not_accepted_as_token(server):
    answer = negotiate(server, token_for("n")).json()

    assert status_of_connecting(server, "n", connection_token=answer["connectionId"]) == 404


# Who may connect


@pytest.mark.parametrize("token", [
    "", token_for("u", lifetime=-3600), token_for("u", key="foreign-key-0123456789-0123456789-ab")],
    ids=["missing", "expired", "foreign key"])
def test_a_hub_connection_without_a_valid_token_is_401(server, token):
    assert status_of_connecting(server, "u", token) == 401
    assert negotiate(server, token).status == 401


def test_a_configured_issuer_and_audience_are_asked_for_by_hub_and_api(new_server):
    server = new_server(environment={"DevJwt__Issuer": ISSUER, "DevJwt__Audience": AUDIENCE})
    server.start()

    for claims in ({"iss": "someone-else"}, {"aud": "someone-else"}):
        token = token_for("u", **claims)
        assert status_of_connecting(server, "u", token) == 401
        assert Shop(server, token=token).get("/api/orders").status == 401
    assert status_of_connecting(server, "u", token_for("u")) == 101
    assert Shop(server, token=token_for("u")).get("/api/orders").status == 200


def test_the_token_may_come_in_the_header(server):
    bearer = {"Authorization": f"Bearer {token_for('u')}"}
    with WebSocket(server.http, "/hubs/order-status", bearer) as socket:
        socket.send(TEXT, HANDSHAKE)
        assert socket.receive().payload == b"{}" + SEPARATOR


def test_the_hub_is_served_over_tls_too(server, shop):
    with HubClient(server, shop.user, tls=True) as hub:
        order = shop.ordered()
        assert hub.notification() == notification_of(order)


# Ownership


def test_a_stranger_gets_the_same_answers_as_for_an_unknown_order(server, shop):
    order = shop.ordered()

    with HubClient(server, new_user()) as stranger:
        for method in ("GetCurrentStatus", "RegisterOrder"):
            foreign = stranger.invoke(method, order["correlationId"])
            unknown = stranger.invoke(method, UNKNOWN)
            foreign.pop("invocationId"), unknown.pop("invocationId")
            assert foreign == unknown, method
        assert stranger.result("GetCurrentStatus", order["correlationId"]) is None


def test_registering_a_foreign_order_does_not_steal_its_push(new_server):
    """No worker runs, so that the stranger has all the time to try before the push."""
    server = new_server(roles="accept,notification").start()
    shop = Shop(server)
    correlation = shop.ordered()["correlationId"]
    with HubClient(server, "thief") as thief, HubClient(server, shop.user) as owner:
        thief.invoke("RegisterOrder", correlation)
        assert thief.result("GetCurrentStatus", correlation) is None
        assert owner.result("GetCurrentStatus", correlation)["status"] == ACCEPTED

    server.stop()
    server.roles = "accept,process,notification"
    server.start()
    with HubClient(server, "thief") as thief, HubClient(server, shop.user) as owner:
        thief.invoke("RegisterOrder", correlation)
        until("the order is completed", lambda: owner.result(
            "GetCurrentStatus", correlation)["status"] == COMPLETED)
        assert thief.has_heard() == []


# The race between the answer to the POST and the push


def test_a_push_before_RegisterOrder_is_sent_again_after_its_completion(shop, hub):
    order = shop.ordered()
    hub.notification()
    heard_before = len(hub.texts)

    hub.result("RegisterOrder", order["correlationId"])

    assert hub.notification(count=2) == notification_of(order)
    kinds = [json.loads(text)["type"] for text in hub.texts[heard_before:]]
    assert [kind for kind in kinds if kind != 6] == [3, 1]


def test_nothing_is_sent_again_on_a_connection_opened_after_the_completion(server, shop, hub):
    order = shop.ordered()
    hub.notification()

    with HubClient(server, shop.user) as later:
        later.result("RegisterOrder", order["correlationId"])
        assert later.has_heard() == []


# Texts on the wire


UNEXPECTED = "An unexpected error occurred invoking '{0}' on the server. HubException: {1}"


@pytest.mark.parametrize("call, error", [
    (("RegisterOrder", "no-guid"), UNEXPECTED.format("RegisterOrder", "Invalid correlationId")),
    (("GetCurrentStatus", "0" * 32), UNEXPECTED.format(
        "GetCurrentStatus", "Invalid correlationId")),
    (("NoSuchMethod",), "Failed to invoke 'NoSuchMethod' due to an error on the server. "
                        "HubException: Method does not exist."),
    (("RegisterOrder",), "Failed to invoke 'RegisterOrder' due to an error on the server."),
    (("RegisterOrder", 7), "Failed to invoke 'RegisterOrder' due to an error on the server."),
    (("Ping", "surplus"), "Failed to invoke 'Ping' due to an error on the server."),
], ids=["no guid", "nil guid", "unknown method", "too few", "wrong type", "too many"])
def test_a_failed_call_is_answered_with_the_known_text_and_the_connection_lives(hub, call, error):
    assert hub.invoke(*call) == {"type": 3, "invocationId": "1", "error": error}
    assert hub.result("Ping") is None


def test_method_names_and_guids_are_read_leniently(shop, hub):
    order = shop.ordered()
    hub.notification()
    bare = order["correlationId"].replace("-", "").upper()

    for form in (bare, "{" + order["correlationId"] + "}"):
        assert hub.result("getcurrentstatus", form)["orderId"] == order["id"]


def test_a_call_without_an_id_is_never_answered(hub):
    hub.send_record({"type": 1, "target": "NoSuchMethod", "arguments": []})

    assert hub.result("Ping") is None
    assert len([text for text in hub.texts if '"type":3' in text]) == 1


def test_unknown_message_types_are_skipped(hub):
    hub.send_record({"type": 99, "whatever": True})

    assert hub.result("Ping") is None


def test_several_records_in_one_frame_and_one_record_in_several(hub):
    ping = b'{"type":1,"invocationId":"%d","target":"Ping","arguments":[]}' + SEPARATOR
    hub.send_bytes(ping % 71 + ping % 72)
    hub.send_bytes((ping % 73)[:20])
    hub.send_bytes((ping % 73)[20:])

    assert [hub.next_record()["invocationId"] for _ in range(3)] == ["71", "72", "73"]


@pytest.mark.parametrize("record", [
    b"null", b"[]", b"{", b'{"target":"Ping"}', b'{"type":"1"}', b'{"type":1,"arguments":[]}',
    b'{"type":3,"invocationId":"1","result":1,"error":"x"}'])
def test_a_malformed_record_closes_the_connection_with_a_reason(hub, record):
    hub.send_bytes(record + SEPARATOR)

    close = hub.next_record()
    assert close["type"] == 7
    assert close["error"].startswith("Connection closed with an error.")
    assert close["allowReconnect"] is True
    with pytest.raises(PeerClosed):
        hub.next_record()
    assert hub.close_frame.close_code == 1000


def test_a_client_that_says_goodbye_is_answered(hub):
    hub.send_record({"type": 7})

    assert hub.next_record() == {"type": 7}
    with pytest.raises(PeerClosed):
        hub.next_record()
    assert hub.close_frame.close_code == 1000


@pytest.mark.parametrize("handshake, error", [
    (b'{"protocol":"xml","version":1}', "The protocol 'xml' is not supported."),
    (b'{"protocol":"json","version":3}',
     "The server does not support version 3 of the 'json' protocol."),
    (b'{"protocol":"json"}', "An unexpected error occurred during connection handshake."),
    (b'{"version":1}', "An unexpected error occurred during connection handshake."),
    (b'7', "An unexpected error occurred during connection handshake."),
    (b'{', "An unexpected error occurred during connection handshake."),
    (b'{"type":6}', "An unexpected error occurred during connection handshake."),
    (b'{"protocol":"json","version":1' + b" " * 33000 + b"}", "Handshake was canceled."),
])
def test_a_bad_handshake_is_answered_with_its_error_and_closed(server, handshake, error):
    with HubClient(server, "h", handshake=False) as hub:
        hub.send_bytes(handshake + SEPARATOR)

        assert hub.next_record() == {"error": error}
        with pytest.raises(PeerClosed):
            hub.next_record()


def test_a_handshake_in_pieces_with_a_call_behind_it(server):
    with HubClient(server, "h", handshake=False) as hub:
        call = b'{"type":1,"invocationId":"1","target":"Ping","arguments":[]}' + SEPARATOR
        for octet in HANDSHAKE[:-1]:
            hub.send_bytes(bytes([octet]))
        hub.send_bytes(SEPARATOR + call)

        assert hub.next_record() == {}
        assert hub.next_record() == {"type": 3, "invocationId": "1", "result": None}


# Silence


def test_a_client_is_given_up_for_silence_only_after_its_first_ping(new_server):
    """Clients that never ping exist (signalrcore), and must not be dropped."""
    server = new_server(environment={"CONTOSO_HUB__KEEP_ALIVE": "1s",
                                     "CONTOSO_HUB__CLIENT_TIMEOUT": "2s"}).start()
    with HubClient(server, "silent") as silent, HubClient(server, "pinging") as pinging:
        pinging.send_record({"type": 6})

        close = pinging.next_record(within=6)

        assert close["type"] == 7 and close["allowReconnect"] is True
        assert close["error"].startswith("Connection closed with an error.")
        assert silent.result("Ping") is None
        assert '{"type":6}' in silent.texts


# The end of the process


def test_SIGTERM_tells_every_client_to_reconnect_and_ends_with_0(new_server):
    server = new_server().start()
    with HubClient(server, "d1") as first, HubClient(server, "d2") as second:
        assert server.stop() == 0
        for hub in (first, second):
            assert hub.next_record() == {"type": 7, "allowReconnect": True}
            with pytest.raises(PeerClosed):
                hub.next_record()
            assert hub.texts[-1] == '{"type":7,"allowReconnect":true}'
            assert hub.close_frame is not None
