"""E01 to E19 and E41 to E44: calls, their answers, their errors and their order.

    type 1 with an id ──▶ type 3 with it      without an id ──▶ nothing, whatever happens
"""

import pytest
from hub.client import HubClient
from support.deadline import until

EVERY_CONNECTION = pytest.mark.parametrize("transport, protocol", [
    ("WebSockets", "json"), ("WebSockets", "messagepack"), ("ServerSentEvents", "json"),
    ("LongPolling", "json"), ("LongPolling", "messagepack")])
UNEXPECTED = "An unexpected error occurred invoking '{}' on the server."
FAILED = "Failed to invoke '{}' due to an error on the server."


@pytest.mark.case("E01", "T06")
@EVERY_CONNECTION
def test_a_call_is_answered_under_its_id(connect, server, transport, protocol):
    client = connect(server, transport=transport, protocol=protocol)
    client.send({"type": 1, "invocationId": "1", "target": "Echo", "arguments": ["Hello"]})

    assert client.next() == {"type": 3, "invocationId": "1", "result": "Hello"}
    assert client.result("Add", 2, 3) == 5
    assert client.result("Concat2", "ab", "c") == "abc"
    assert client.result("Point", {"x": 1, "y": 2, "label": "p"}) == {
        "x": 2, "y": 1, "label": "p"}


@pytest.mark.case("E02")
def test_a_method_is_found_in_any_case(client):
    assert client.result("eCHO", 1) == client.result("ECHO", 1) == 1


@pytest.mark.case("E03")
def test_a_renamed_method_has_its_new_name_only(client):
    assert "error" not in client.invoke("NewName")
    assert client.error("OldName") == (
        FAILED.format("OldName") + " HubException: Method does not exist.")


@pytest.mark.case("E05", "E13")
@pytest.mark.parametrize("name", [
    "ToString", "Equals", "GetHashCode", "GetType", "Dispose", "OnConnectedAsync",
    "OnDisconnectedAsync", "OnConnected", "OnDisconnected", "init", "get_Context", "NoSuch"])
def test_what_is_no_hub_method_does_not_exist(client, name):
    assert client.error(name) == FAILED.format(name) + " HubException: Method does not exist."


@pytest.mark.case("E07")
@EVERY_CONNECTION
def test_a_method_without_a_result_answers_null(connect, server, transport, protocol):
    client = connect(server, transport=transport, protocol=protocol)

    assert client.invoke("Nothing") == {"type": 3, "invocationId": "0", "result": None}


@pytest.mark.case("E08")
@pytest.mark.parametrize("target, arguments", [
    ("Echo", [1]), ("Nothing", []), ("Throw", ["x"]), ("ThrowHub", ["x"]), ("NoSuch", []),
    ("Add", ["a"]), ("Counter", [3])])
def test_a_call_without_an_id_is_never_answered(client, target, arguments):
    client.tell(target, *arguments)

    assert client.unasked() == []


@pytest.mark.case("E09")
def test_an_ordinary_error_is_not_told(client):
    assert client.error("Throw", "secret") == UNEXPECTED.format("Throw")


@pytest.mark.case("E10", "E19")
def test_an_ordinary_error_is_told_where_details_are_on(connect, server):
    client = connect(server, "/detailed")

    assert client.error("Throw", "not secret") == (
        UNEXPECTED.format("Throw") + " InvalidOperationException: not secret")


@pytest.mark.case("E11")
@pytest.mark.parametrize("hub", ["/hub", "/detailed"])
def test_a_hub_exception_is_always_told(connect, server, hub):
    assert connect(server, hub).error("ThrowHub", "for you") == (
        UNEXPECTED.format("ThrowHub") + " HubException: for you")


@pytest.mark.case("E12")
def test_details_of_a_binding_failure_name_both_numbers(connect, server):
    client = connect(server, "/detailed")

    assert client.error("Add", 1) == (
        FAILED.format("Add") + " InvalidDataException: Invocation provides 1 argument(s) but "
        "target expects 2.")
    assert client.error("Add", "a", 1).startswith(
        FAILED.format("Add") + " InvalidDataException: Error binding arguments.")


def call_of_size(client: HubClient, size: int) -> bytes:
    """A call whose message has exactly that many bytes, separator or length included."""
    call = {"type": 1, "invocationId": "1", "target": "Echo", "arguments": [""]}
    empty = len(client.codec.encode(call))
    for count in range(size - empty, size - empty - 8, -1):
        call["arguments"] = ["x" * count]
        message = client.codec.encode(call)
        if len(message) == size:
            return message
    raise AssertionError(f"no message of {size} bytes")


@pytest.mark.parametrize("hub, limit", [
    pytest.param("/hub", 32_768, marks=pytest.mark.case("E16")),
    pytest.param("/tiny", 1_024, marks=pytest.mark.case("E16", "E19"))])
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_a_message_of_the_limit_passes_and_one_more_byte_ends_the_connection(
        connect, server, log, hub, limit, protocol):
    client = connect(server, hub, protocol=protocol)
    for size in (limit - 1, limit):
        client.send_bytes(call_of_size(client, size))
        assert "result" in client.completion("1")

    client.send_bytes(call_of_size(client, limit + 1))

    assert client.until_end() == [{"type": 7, "error": "Connection closed with an error.",
                                   "allowReconnect": True}]
    assert log.end_of(client.connection_id) != "-"


@pytest.mark.case("E16")
def test_details_name_the_limit(connect, server, log):
    client = connect(server, "/detailed")
    client.send_bytes(call_of_size(client, 32_769))

    close, = client.until_end()
    assert close["error"] == (
        "Connection closed with an error. InvalidDataException: The maximum message size of "
        "32768B was exceeded. The message size can be configured in AddHubOptions.")


@pytest.mark.case("E17")
def test_a_message_in_front_of_one_too_long_is_answered(connect, server):
    client = connect(server, "/tiny")
    small = client.codec.encode({"type": 1, "invocationId": "s", "target": "Echo",
                                 "arguments": [1]})
    client.send_bytes(small + call_of_size(client, 1_025))

    answered, close = client.until_end()
    assert answered == {"type": 3, "invocationId": "s", "result": 1}
    assert close["type"] == 7 and close["allowReconnect"] is True


@pytest.mark.case("E18")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_without_a_limit_a_message_may_have_a_megabyte(connect, server, protocol):
    client = connect(server, "/unlimited", protocol=protocol)
    text = "x" * 1_000_000

    assert client.result("Echo", text, within=15) == text


@pytest.mark.case("E29")
def test_a_list_may_be_the_only_argument(client):
    assert client.result("Length", [1, 2]) == 2


@pytest.mark.case("E42")
def test_one_call_runs_at_a_time(client, log):
    first, second = client.call("Gate", "E42"), client.call("Echo", 2)
    client.listen(0.2)
    assert client.inbox == []

    log.client.result("OpenGate", "E42")

    assert [client.next()["invocationId"] for _ in range(2)] == [first, second]


@pytest.mark.case("E43", "E19")
def test_two_calls_run_at_a_time_where_two_may_and_the_third_waits(connect, server, log):
    client = connect(server, "/parallel")
    slow = client.call("Gate", "E43-1")
    assert client.result("Echo", 2) == 2
    slower = client.call("Gate", "E43-2")
    third = client.call("Echo", 3)
    client.listen(0.2)
    assert client.inbox == []

    log.client.result("OpenGate", "E43-2")

    assert {client.next()["invocationId"] for _ in range(2)} == {slower, third}
    log.client.result("OpenGate", "E43-1")
    assert client.completion(slow)["result"] == "E43-1"


@pytest.mark.case("E60")
def test_a_method_is_told_that_its_connection_has_ended(connect, server, log):
    client = connect(server)
    client.call("CancelProbe", "E60-never")
    client.transport.drop()

    log.until(f"cancelled {client.connection_id} CancelProbe")


@pytest.mark.case("E60")
def test_a_method_is_told_that_its_call_was_cancelled(client, log):
    name = client.call("CancelProbe", "E60-never")
    client.send({"type": 5, "invocationId": name})

    client.completion(name)
    assert f"cancelled {client.connection_id} CancelProbe" in log.lines()
    assert client.result("Echo", 1) == 1


@pytest.mark.case("E81")
def test_the_hub_sees_the_request(connect, server):
    assert connect(server, query="key=value").result("HasHttp") == "value"
    assert connect(server).result("HasHttp") == ""


@pytest.mark.case("E86")
def test_nothing_is_dispatched_behind_an_abort(client, connect, server):
    other = connect(server)
    client.send({"type": 1, "target": "AbortMe", "arguments": []},
                {"type": 1, "target": "SendConnection",
                 "arguments": [other.connection_id, "too late"]})
    client.until_end()

    assert other.messages_heard() == []


@pytest.mark.case("E76")
def test_a_result_that_cannot_be_written_ends_its_connection(client, log):
    client.call("Divide", 1.0, 0.0)

    assert client.until_end()[-1]["type"] == 7
    assert log.end_of(client.connection_id) != "-"


@pytest.mark.case("E74")
def test_the_connection_token_fires_before_the_hub_is_told_of_the_end(client, log):
    client.tell("AbortMe")
    client.until_end()
    log.end_of(client.connection_id)

    lines = log.of(client.connection_id)
    assert lines.index("aborted-token") < lines.index("disconnected -")


@pytest.mark.case("E87")
def test_ten_thousand_messages_to_one_that_does_not_read_take_bounded_memory(
        connect, server):
    dead, sender = connect(server), connect(server)
    before = server.resident_byte_count()

    for _ in range(20):
        for _ in range(500):
            sender.tell("SendConnection", dead.connection_id, "x" * 3_000)
        sender.result("Nothing", within=15)

    # 30 MB were sent; the kernel's buffers are not the server's memory.
    assert server.resident_byte_count() - before < 16 << 20
    assert sender.result("Echo", 1) == 1


@pytest.mark.case("E01")
def test_the_ids_of_calls_may_be_used_again(client):
    for _ in range(3):
        client.send({"type": 1, "invocationId": "same", "target": "Echo", "arguments": [1]})
        assert client.completion("same")["result"] == 1


@pytest.mark.case("E75")
def test_a_shutdown_waits_for_no_method_that_never_ends(connect, new_server):
    server = new_server().start()
    client = connect(server)
    client.call("Gate", "never")
    client.listen(0.1)

    server.ask_to_stop()

    until("it has ended", lambda: server.process.poll() is not None, within=10)
    assert server.wait() == 0
