"""The hub as a client sees it: N01-N10 from outside, who may connect, ownership, the race.

    POST ──▶ order ──▶ worker ──▶ Notification ──▶ every tab of the owner, and nobody else

Each runs twice: on the embedded engines, and on PostgreSQL, RabbitMQ and Redis. Cases of the
reference's suite that looked inside its process are told here by their effects; those that are about
keys of Redis are in test_cluster_contract.py. "Nobody else hears it" is asked with a Ping
after the owner has heard it: what the hub had sent by then has arrived.
Source: the .NET system's order-notification and the numbers of its test cases.
"""

import json

import pytest

from support.deadline import until
from support.hub_client import (ACCEPTED, COMPLETED, HANDSHAKE, PROCESSING, SEPARATOR, HubClient,
                                negotiate, status_of_connecting)
from support.shop import Shop, new_user
from support.tokens import AUDIENCE, ISSUER, token_for
from support.websocket_wire import TEXT, WebSocket

pytestmark = pytest.mark.parametrize("backing", ["embedded", "cluster"], indirect=True)

UNKNOWN = "7b1f3c52-5d0c-4a0e-9a54-3d7b8a1c2f00"


def notification_of(order: dict) -> dict:
    return {"correlationId": {"value": order["correlationId"]}, "status": COMPLETED,
            "orderId": order["id"]}


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
    database = server.records
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
    database = server.records
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
    # row is set by hand and the cache emptied.
    server.stop()
    server.records.set_order_status(correlation, PROCESSING)
    server.records.forget_state(correlation)
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
