"""S01 to S11: the event stream, byte for byte. Payloads that no hub message has are unit tests.

    200, text/event-stream │ ":" CRLF │ "data: " record RS CRLF CRLF │ …
"""

import pytest
from hub.client import handshake
from support.deadline import Deadline

FIELDS = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache,no-store",
          "Pragma": "no-cache", "Content-Encoding": "identity"}


@pytest.mark.case("S01")
def test_the_stream_opens_with_a_comment_before_any_data(connect, server):
    client = connect(server, transport="ServerSentEvents", shakes=False)

    client.listen(0.05)

    for name, value in FIELDS.items():
        assert client.transport.head.header(name).replace(", ", ",") == value
    client.transport._is_opened or client.transport._more(Deadline(5))
    assert client.transport.raw == b":\r\n"


@pytest.mark.case("S08")
def test_a_record_is_one_event_with_its_separator(connect, server):
    client = connect(server, transport="ServerSentEvents", shakes=False)
    client.send_bytes(handshake())
    client.handshake_answer()
    client.result("Echo", "Hello")

    assert client.transport.raw == (
        b':\r\ndata: {}\x1e\r\n\r\n'
        b'data: {"type":3,"invocationId":"0","result":"Hello"}\x1e\r\n\r\n')


@pytest.mark.case("S08")
def test_lines_within_a_value_do_not_break_an_event(connect, server):
    client = connect(server, transport="ServerSentEvents")
    text = "Hello\nWorld\r\n\r\nend\r"

    assert client.result("Concat2", text, "") == text


@pytest.mark.case("S09")
def test_the_response_ends_with_the_connection(connect, server):
    client = connect(server, transport="ServerSentEvents")
    client.say_goodbye()

    assert client.until_end() == [{"type": 7}]


@pytest.mark.case("S10", "H07")
def test_messagepack_is_refused_on_a_transport_of_text(connect, server):
    client = connect(server, transport="ServerSentEvents", shakes=False)
    client.send_bytes(handshake("messagepack"))

    assert client.handshake_answer() == {
        "error": "Cannot use the 'messagepack' protocol on the current transport. "
                 "The transport does not support 'Binary' transfer format."}
    assert client.until_end() == []


@pytest.mark.case("S11")
def test_an_idle_stream_is_pinged(connect, fast):
    client = connect(fast, transport="ServerSentEvents")

    client.listen(3.5)

    assert 2 <= client.pings <= 4
    assert client.transport.raw.count(b'data: {"type":6}\x1e\r\n\r\n') == client.pings
