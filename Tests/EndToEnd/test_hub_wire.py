"""The hub's protocol to the letter: negotiate, handshake, records, error texts, silence, the end.

    negotiate ──▶ upgrade ──▶ handshake ──▶ records … ──▶ {"type":7,…} ──▶ close frame

Existing clients compare some of these texts: they are those of ASP.NET Core's hub without detailed
errors. Source: SignalR HubProtocol, TransportProtocols.
"""

import pytest

from support.http_wire import PeerClosed
from support.hub_client import (HANDSHAKE, SEPARATOR, HubClient, negotiate,
                                status_of_connecting)
from support.tokens import token_for


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
