"""E31 to E41: what a hub streams to its client.

    type 4 ──▶ type 2 … type 2 ──▶ type 3 without a result, or with an error
"""

import pytest

STREAMING_FAILED = "An error occurred on the server while streaming results."
EVERY_CONNECTION = pytest.mark.parametrize("transport, protocol", [
    ("WebSockets", "json"), ("WebSockets", "messagepack"), ("ServerSentEvents", "json"),
    ("LongPolling", "json"), ("LongPolling", "messagepack")])


@pytest.mark.case("E31", "T06")
@EVERY_CONNECTION
def test_a_stream_has_its_items_and_then_an_end_without_a_result(
        connect, server, transport, protocol):
    client = connect(server, transport=transport, protocol=protocol)
    name = client.stream("Counter", 4)

    assert client.items(name) == ([0, 1, 2, 3], {"type": 3, "invocationId": name})


@pytest.mark.case("E31")
def test_a_stream_of_nothing_has_an_end(client):
    name = client.stream("Counter", 0)

    assert client.items(name) == ([], {"type": 3, "invocationId": name})


@pytest.mark.case("E31", "X16")
def test_a_long_stream_arrives_whole_and_in_order(client):
    items, _ = client.items(client.stream("Counter", 20_000), within=30)

    assert items == list(range(20_000))


@pytest.mark.case("E32")
@pytest.mark.parametrize("hub", ["/hub", "/detailed"])
def test_a_stream_that_fails_before_it_begins_is_a_failed_call(connect, server, hub):
    client = connect(server, hub)
    items, end = client.items(client.stream("StreamThrowEarly"))

    assert items == []
    expected = "An unexpected error occurred invoking 'StreamThrowEarly' on the server."
    assert end["error"].startswith(expected)
    assert (end["error"] == expected) is (hub == "/hub")


@pytest.mark.case("E33")
@pytest.mark.parametrize("hub, method, detail", [
    ("/hub", "StreamThrowMid", ""),
    ("/detailed", "StreamThrowMid", " InvalidOperationException: oops"),
    ("/hub", "StreamThrowHub", " HubException: oops"),
    ("/detailed", "StreamThrowHub", " HubException: oops")])
def test_a_stream_that_fails_midway_has_its_items_and_an_error(
        connect, server, hub, method, detail):
    client = connect(server, hub)
    name = client.stream(method, "oops")
    items, end = client.items(name)

    assert len(items) == 2
    assert end == {"type": 3, "invocationId": name, "error": STREAMING_FAILED + detail}


@pytest.mark.case("E34")
@EVERY_CONNECTION
def test_a_stream_that_is_cancelled_ends_without_an_error(
        connect, server, log, transport, protocol):
    client = connect(server, transport=transport, protocol=protocol)
    mark = f"E34-{transport}-{protocol}"
    name = client.stream("Endless", mark)
    assert client.item(name) == 0

    client.send({"type": 5, "invocationId": name})

    assert client.items(name, within=15)[1] == {"type": 3, "invocationId": name}
    log.until(f"cancelled {mark} Endless")


@pytest.mark.case("E35")
def test_cancelling_nothing_is_no_error(client):
    client.send({"type": 5, "invocationId": "nothing"})

    assert client.unasked() == []


@pytest.mark.case("E36")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents"])
def test_a_stream_ends_with_its_connection(connect, server, log, transport):
    client = connect(server, transport=transport)
    client.item(client.stream("Endless", f"E36-{transport}"))

    client.transport.drop()

    log.until(f"cancelled E36-{transport} Endless")


@pytest.mark.case("E37")
def test_a_stream_must_be_called_as_one_and_nothing_else_may(client):
    assert client.error("Counter", 1) == (
        "The client attempted to invoke the streaming 'Counter' method with a non-streaming "
        "invocation.")
    items, end = client.items(client.stream("Echo", 1))
    assert (items, end["error"]) == ([], (
        "The client attempted to invoke the non-streaming 'Echo' method with a streaming "
        "invocation."))


@pytest.mark.case("E39")
def test_an_id_in_use_is_refused_and_its_stream_goes_on(client, log):
    name = client.stream("CounterGated", 3, "E39")
    assert client.item(name) == 0
    client.send({"type": 4, "invocationId": name, "target": "Counter", "arguments": [2]})

    assert client.completion(name)["error"] == f"Invocation ID '{name}' is already in use."
    log.client.result("OpenGate", "E39")
    assert client.items(name) == ([1, 2], {"type": 3, "invocationId": name})


@pytest.mark.case("E40")
def test_the_id_of_a_stream_that_has_ended_may_be_used_again(client):
    for _ in range(2):
        client.send({"type": 4, "invocationId": "same", "target": "Counter", "arguments": [2]})
        assert client.items("same")[0] == [0, 1]


@pytest.mark.case("E41", "E44")
def test_calls_and_other_streams_run_beside_a_stream(client, log):
    name = client.stream("CounterGated", 3, "E41")
    assert client.item(name) == 0

    assert client.result("Echo", 1) == 1
    assert client.items(client.stream("Counter", 2))[0] == [0, 1]

    log.client.result("OpenGate", "E41")
    assert client.items(name)[0] == [1, 2]


@pytest.mark.case("E12", "E13")
@pytest.mark.parametrize("target, arguments, error", [
    ("Counter", [], "Failed to invoke 'Counter' due to an error on the server."),
    ("Counter", ["x"], "Failed to invoke 'Counter' due to an error on the server."),
    ("NoSuch", [], "Failed to invoke 'NoSuch' due to an error on the server. "
                   "HubException: Method does not exist.")])
def test_a_stream_that_cannot_be_called_is_an_error(client, target, arguments, error):
    items, end = client.items(client.stream(target, *arguments))

    assert (items, end["error"]) == ([], error)
