"""T01 to T18: the official browser client, by script; the client itself is run elsewhere.

    what it sends is sent byte for byte, what it would throw on fails the test
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hub.official import OfficialClient, post_negotiate
from hub.transports import Endpoint, LongPolling, ServerSentEvents, WebSockets
from support.deadline import until
from support.websocket_wire import Refused

EVERY_WAY = pytest.mark.parametrize("refuses, protocol, transport, negotiations", [
    pytest.param((), "json", "WebSockets", 1, marks=pytest.mark.case("T01")),
    pytest.param((), "messagepack", "WebSockets", 1, marks=pytest.mark.case("T01")),
    pytest.param(("WebSockets",), "json", "ServerSentEvents", 2,
                 marks=pytest.mark.case("T02", "T04")),
    pytest.param(("WebSockets", "ServerSentEvents"), "json", "LongPolling", 3,
                 marks=pytest.mark.case("T02", "T03")),
    pytest.param(("WebSockets",), "messagepack", "LongPolling", 2,
                 marks=pytest.mark.case("T02", "T03"))])


@pytest.fixture
def official():
    made = []

    def make(*arguments, **options) -> OfficialClient:
        made.append(OfficialClient(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.transport.drop()


@EVERY_WAY
def test_it_connects_by_the_first_transport_that_works(
        official, server, refuses, protocol, transport, negotiations):
    client = official(server, protocol=protocol, refuses=refuses)

    assert client.transport.name == transport
    assert client.negotiations == negotiations
    assert client.result("ConnectionId") == client.connection_id


@pytest.mark.case("T06")
@EVERY_WAY
def test_it_calls_streams_uploads_and_answers(
        official, server, refuses, protocol, transport, negotiations):
    client = official(server, protocol=protocol, refuses=refuses, token="ann")

    assert client.result("UserId") == "ann"
    assert client.items(client.stream("Counter", 3))[0] == [0, 1, 2]
    upload = client.call("UploadConcat", streams=["17"])
    client.upload("17", "a", "b")
    assert client.completion(upload)["result"] == "ab"
    asking = client.call("AskMe", "value", 1)
    client.answer(client.question(), result=2)
    assert client.completion(asking)["result"] == 2
    asking = client.call("AskMe", "missing", 1)
    client.answer(client.question(), error="Client didn't provide a result.")
    assert "Client didn't provide a result." in client.completion(asking)["error"]


@pytest.mark.case("T05")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_it_may_skip_the_negotiation(official, server, protocol):
    client = official(server, protocol=protocol, skips_negotiation=True)

    assert client.negotiations == 0
    assert len(client.result("ConnectionId")) == 22


@pytest.mark.case("T07")
def test_it_hears_often_enough_from_an_idle_server(official, fast):
    """Twice its time-out, with times as much shorter as the server's."""
    client = official(fast)
    for _ in range(4):
        client.listen(1)
        client.ping()

    assert client.pings >= 3 and client.inbox == []
    assert client.result("Echo", 1) == 1


@pytest.mark.case("T08")
def test_it_comes_back_to_a_server_that_was_restarted_under_a_new_id(official, new_server):
    server = new_server().start()
    client = official(server)
    server.kill()
    client.until_end()
    server.start()

    again = official(server)

    assert again.result("Echo", 1) == 1
    assert again.connection_id != client.connection_id


@pytest.mark.case("T09")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_it_keeps_its_stateful_connection_when_the_socket_is_lost(
        official, connect, server, log, protocol):
    client = official(server, "/stateful", protocol=protocol, stateful=True)
    other = connect(server, "/stateful")
    client.result("Echo", 1)
    client.transport.reset()
    other.result("SendConnection", client.connection_id, "meanwhile")

    client.transport = WebSockets(client.endpoint, client.codec.IS_BINARY)
    client.send({"type": 9, "sequenceId": 2})

    assert client.next() == {"type": 9, "sequenceId": 1}
    assert client.next()["result"] == 1
    assert client.pushed() == "meanwhile"
    assert client.result("ConnectionId") == client.connection_id
    assert log.of(client.connection_id).count("connected") == 1


@pytest.mark.case("T10")
def test_it_learns_from_the_close_whether_it_may_come_back(official, server):
    final, passing = official(server), official(server)
    final.tell("AbortMe")
    passing.send_bytes(b"{}\x1e")

    assert "allowReconnect" not in final.until_end()[-1]
    assert passing.until_end()[-1]["allowReconnect"] is True
    assert final.transport.close_frame.close_code == 1000
    assert passing.transport.close_frame.close_code == 1000


@pytest.mark.case("T11")
def test_its_error_has_the_status_401(server):
    assert post_negotiate(server.address, "/protected").status == 401


@pytest.mark.case("T12")
@pytest.mark.parametrize("transport", [WebSockets, ServerSentEvents, LongPolling])
def test_its_errors_have_the_status_404(server, transport):
    assert post_negotiate(server.address, "/no-hub").status == 404
    with pytest.raises(Refused) as refused:
        transport(Endpoint([server.address], "/hub", "A" * 22), is_binary=False)
    assert refused.value.response.status == 404


@pytest.mark.case("T13")
def test_it_follows_a_redirection_with_the_token_it_is_given(official, server):
    class Redirection(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = json.dumps({"url": f"{server.url}/protected", "accessToken": "ann"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Redirection) as redirecting:
        thread = threading.Thread(target=redirecting.handle_request)
        thread.start()
        answer = post_negotiate(redirecting.server_address, "/hub").json()
        thread.join()

    path = answer["url"].removeprefix(server.url)
    client = official(server, path, token=answer["accessToken"])
    assert client.negotiations == 1
    assert client.result("UserId") == "ann"


@pytest.mark.case("T14")
@pytest.mark.parametrize("refuses", [(), ("WebSockets",), ("WebSockets", "ServerSentEvents")])
def test_it_is_told_that_its_message_was_too_long_and_may_come_back(official, server, refuses):
    client = official(server, refuses=refuses)
    client.call("Echo", "x" * 33 * 1024)

    assert client.until_end() == [{"type": 7, "error": "Connection closed with an error.",
                                   "allowReconnect": True}]
    assert official(server, refuses=refuses).result("Echo", 1) == 1


@pytest.mark.case("T15")
@EVERY_WAY
def test_it_stops_without_an_error(
        official, server, log, refuses, protocol, transport, negotiations):
    client = official(server, protocol=protocol, refuses=refuses)
    client.stop()

    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("T16")
def test_all_its_tabs_of_one_user_hear(official, server):
    tabs = [official(server, token="T16"), official(server, token="T16", refuses=("WebSockets",)),
            official(server, token="T16", protocol="messagepack")]

    tabs[0].result("SendUser", "T16", "x")

    assert [tab.pushed() for tab in tabs] == ["x"] * 3


@pytest.mark.case("T18")
def test_it_ends_long_polling_with_a_DELETE(official, server, log):
    client = official(server, refuses=("WebSockets", "ServerSentEvents"))
    client.transport.begin_poll()

    answer = client.stop()

    # Its goodbye may have been quicker; it takes a 404 for the same.
    assert answer.status in (202, 404)
    assert log.end_of(client.connection_id) == "-"
    until("it is gone", lambda: client.endpoint.post(b"x").status == 404)
