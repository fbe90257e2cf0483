"""E45 to E59: what a client streams to its hub.

    type 1 with streamIds ──▶ type 2 … type 2 ──▶ type 3, per stream ──▶ the method's answer
"""

import pytest

EVERY_CONNECTION = pytest.mark.parametrize("transport, protocol", [
    ("WebSockets", "json"), ("WebSockets", "messagepack"), ("ServerSentEvents", "json"),
    ("LongPolling", "json"), ("LongPolling", "messagepack")])


@pytest.mark.case("E45", "T06")
@EVERY_CONNECTION
def test_items_reach_the_method_in_order(connect, server, transport, protocol):
    client = connect(server, transport=transport, protocol=protocol)
    name = client.call("UploadConcat", streams=["s"])
    for letter in "BEANED":
        client.upload("s", letter, ends=False)
    client.upload("s")

    assert client.completion(name)["result"] == "BEANED"


@pytest.mark.case("E46")
def test_streams_of_several_calls_do_not_mix(client):
    names = {stream: client.call("UploadConcat", streams=[stream]) for stream in "xyz"}
    for number in range(4):
        for stream in "xyz":
            client.upload(stream, f"{stream}{number}", ends=False)
    for stream in "zyx":
        client.upload(stream)

    for stream, name in names.items():
        assert client.completion(name)["result"] == "".join(f"{stream}{n}" for n in range(4))


@pytest.mark.case("E46", "E52")
def test_a_method_may_have_several_streams(client):
    name = client.call("UploadConcatThree", streams=["1", "2", "3"])
    for stream, item in (("2", "b"), ("1", "a"), ("3", "c"), ("1", "A")):
        client.upload(stream, item, ends=False)
    for stream in "312":
        client.upload(stream)

    assert client.completion(name)["result"] == "aA|b|c"


@pytest.mark.case("E46")
def test_arguments_stand_beside_streams(client):
    name = client.call("UploadSum", 100, streams=["s"])
    client.upload("s", 1, 2, 3)

    assert client.completion(name)["result"] == 106


@pytest.mark.case("E47")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_items_may_be_objects(connect, server, protocol):
    client = connect(server, protocol=protocol)
    objects = [{"a": 1, "b": [None, {"c": "d"}]}, [], "text", 1.5, None]
    name = client.stream("EchoStream", streams=["s"])
    client.upload("s", *objects)

    assert client.items(name)[0] == objects


@pytest.mark.case("E48")
@pytest.mark.parametrize("protocol", ["json", "messagepack"])
def test_an_item_of_another_type_is_an_error_that_the_method_can_catch(
        connect, server, protocol):
    client = connect(server, protocol=protocol)
    name = client.call("UploadCatch", streams=["s"])
    client.upload("s", 1, "no number", ends=False)

    assert client.completion(name)["result"] not in ("", "finished", None)
    assert client.result("Echo", 1) == 1


@pytest.mark.case("E48")
def test_an_upload_without_an_error_finishes(client):
    name = client.call("UploadCatch", streams=["s"])
    client.upload("s", 1, 2)

    assert client.completion(name)["result"] == "finished"


@pytest.mark.case("E49")
def test_an_item_of_no_stream_is_passed_over(client):
    client.upload("nothing", 1, "x")

    assert client.unasked() == []


@pytest.mark.case("E51")
def test_the_error_of_an_upload_is_thrown_in_the_method(client):
    name = client.call("UploadCatch", streams=["s"])
    client.upload("s", 1, error="the disk is full")

    assert client.completion(name)["result"] == "the disk is full"


@pytest.mark.case("E51")
def test_the_error_of_an_upload_that_is_not_caught_fails_the_call(client):
    name = client.call("UploadConcat", streams=["s"])
    client.upload("s", "a", error="the disk is full")

    assert client.completion(name)["error"] == (
        "An unexpected error occurred invoking 'UploadConcat' on the server. "
        "HubException: the disk is full")


@pytest.mark.case("E52")
@pytest.mark.parametrize("method, streams, sent, expected", [
    ("UploadConcat", [], 0, 1), ("UploadConcat", ["1", "2"], 2, 1), ("Nothing", ["1"], 1, 0),
    ("UploadConcatThree", ["1"], 1, 3)])
def test_another_number_of_streams_is_an_error(client, method, streams, sent, expected):
    name = client.call(method, streams=streams)

    assert client.completion(name)["error"] == (
        f"An unexpected error occurred invoking '{method}' on the server. "
        f"HubException: Client sent {sent} stream(s), Hub method expects {expected}.")
    assert client.result("Echo", 1) == 1


@pytest.mark.case("E53")
def test_items_that_come_before_the_method_reads_are_kept(client, log):
    name = client.call("UploadGated", "E53", streams=["s"])
    client.upload("s", "a", "b", "c")
    assert client.result("Echo", 1) == 1

    log.client.result("OpenGate", "E53")

    assert client.completion(name)["result"] == "abc"


@pytest.mark.case("E54")
def test_an_upload_takes_nobodys_place(client):
    name = client.call("UploadConcat", streams=["s"])

    assert client.result("Echo", 1) == 1

    client.upload("s", "a")
    assert client.completion(name)["result"] == "a"


@pytest.mark.case("E55")
@pytest.mark.parametrize("transport", ["WebSockets", "LongPolling"])
def test_a_reader_that_is_slow_holds_up_its_client_and_loses_nothing(
        connect, server, log, transport):
    client = connect(server, "/tiny", transport=transport)
    gate = f"E55-{transport}"
    name = client.call("UploadGated", gate, streams=["s"])
    client.upload("s", *map(str, range(100)))
    later = client.call("Echo", 1)
    client.listen(0.3)
    # One item is buffered, one waits for room, and everything behind it waits too.
    assert client.inbox == []

    log.client.result("OpenGate", gate)

    assert client.completion(name)["result"] == "".join(map(str, range(100)))
    assert client.completion(later)["result"] == 1


@pytest.mark.case("E56")
@EVERY_CONNECTION
def test_a_stream_up_may_be_a_stream_down(connect, server, transport, protocol):
    client = connect(server, transport=transport, protocol=protocol)
    name = client.stream("EchoStream", streams=["s"])
    for number in range(5):
        client.upload("s", number, ends=False)
        assert client.item(name) == number
    client.upload("s")

    assert client.items(name) == ([], {"type": 3, "invocationId": name})


@pytest.mark.case("E57")
def test_a_stream_id_in_use_is_refused_and_its_stream_goes_on(client):
    first = client.call("UploadConcat", streams=["s"])
    client.upload("s", "a", ends=False)
    second = client.call("UploadConcat", streams=["s"])

    assert "error" in client.completion(second)
    client.upload("s", "b")
    assert client.completion(first)["result"] == "ab"


@pytest.mark.case("E58")
def test_items_for_a_method_that_has_returned_are_passed_over(client):
    name = client.call("UploadIgnore", streams=["s"])
    assert client.completion(name)["result"] == 7

    client.upload("s", *map(str, range(50)))

    assert client.unasked() == []


@pytest.mark.case("E08", "E45")
def test_an_upload_without_an_invocation_id_is_read_and_not_answered(client):
    client.send({"type": 1, "target": "UploadConcat", "arguments": [], "streamIds": ["s"]})
    client.upload("s", "a")

    assert client.unasked() == []
    # The id of the stream is free again.
    name = client.call("UploadConcat", streams=["s"])
    client.upload("s", "b")
    assert client.completion(name)["result"] == "b"
