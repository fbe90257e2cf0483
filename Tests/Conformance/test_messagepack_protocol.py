"""M02 to M22: the MessagePack protocol from outside. Every vector both ways is a unit test.

    malformed ──▶ Close with leave to come back     unbindable ──▶ error completion, and on
"""

import msgpack
import pytest
from hub.messagepack_codec import bodies, pack, prefixed
from support.http_wire import NothingCame

# Bodies in hexadecimal, 'text' for the bytes of a text.
FATAL = """
91 A3 'foo' | 92 01 A3 'foo' | 92 01 82 2A A3 'foo' | 92 01 80 | 91 01 80 C2 | 93 01 80 C2
93 01 80 A3 'abc' | 94 01 80 A3 'abc' 2A | 94 01 80 A3 'abc' A0
96 01 80 A3 'abc' A1 'T' 91 A0 91 A0
92 02 80 | 93 02 80 A0 | 93 02 80 C2 | 92 03 80 | 93 03 80 A0 | 93 03 80 C2
94 03 80 A3 'xyz' A3 'xyz' | 94 03 80 A3 'xyz' 01 | 95 03 80 A3 'xyz' 01 2A | 94 03 80 A3 'xyz' 2A
92 04 80 | 93 04 80 A0 | 94 04 80 A3 'abc' A0 | 92 05 80 | 93 05 80 A0
91 08 | 92 08 C0 | 91 09 | 92 09 C0
"""


def from_hex(text: str) -> bytes:
    body = b""
    for word in text.split():
        body += word[1:-1].encode() if word.startswith("'") else bytes.fromhex(word)
    return body


def fatal(case: str, *cases: tuple[str, bytes]):
    return [pytest.param(data, marks=pytest.mark.case(case), id=f"{case} {name}")
            for name, data in cases]


CALL = [1, {}, "1", "Echo", [1], []]

MALFORMED = [
    *fatal("M05", *((text.strip(), prefixed(from_hex(text)))
                    for line in FATAL.strip().splitlines() for text in line.split("|"))),
    *fatal("M09", ("empty key", prefixed(pack([1, {"": "v"}, "1", "Echo", [1], []]))),
           ("empty value", prefixed(pack([1, {"k": ""}, "1", "Echo", [1], []]))),
           ("nil", prefixed(pack([1, None, "1", "Echo", [1], []])))),
    *fatal("M11", ("2 GB", bytes.fromhex("80 80 80 80 08")),
           ("five bytes that go on", b"\xff" * 5)),
    *fatal("M14", ("an empty body", b"\0")),
    *fatal("M17", ("200 levels", prefixed(b"\x96\x01\x80\xa11\xa4Echo\x91" + b"\x91" * 200
                                          + b"\xc0\x90")),
           ("30,000 levels", prefixed(b"\x96\x01\x80\xa11\xa4Echo\x91" + b"\x91" * 30_000
                                      + b"\xc0\x90"))),
    *fatal("M18", ("an array of 4 billion", prefixed(b"\x96\x01\x80\xa11\xa4Echo"
                                                     + bytes.fromhex("dd ff ff ff ff"))),
           ("a text of 4 billion", prefixed(b"\x96\x01\x80\xa11" + b"\xdb\xff\xff\xff\xff"))),
    *fatal("M19", ("item", prefixed(pack([2, {}, None, 1]))),
           ("completion", prefixed(pack([3, {}, None, 2]))),
           ("cancel", prefixed(pack([5, {}, None])))),
    *fatal("M21", ("a number", prefixed(pack([7, None, 1]))),
           ("a text", prefixed(pack([7, None, "yes"])))),
]


@pytest.fixture
def packed(connect, server):
    return connect(server, protocol="messagepack")


@pytest.mark.parametrize("data", MALFORMED)
def test_a_malformed_message_ends_the_connection(packed, log, data):
    packed.send_bytes(data)

    assert packed.until_end() == [{"type": 7, "error": "Connection closed with an error.",
                                   "allowReconnect": True}]
    assert log.end_of(packed.connection_id) != "-"


@pytest.mark.case("M02", "E15")
def test_a_message_may_come_byte_by_byte(packed):
    for byte in prefixed(pack(CALL)):
        packed.send_bytes(bytes([byte]))

    assert packed.completion("1")["result"] == 1


@pytest.mark.parametrize("items", [
    pytest.param([1, {}, "1", "Echo", [1]], marks=pytest.mark.case("M03")),
    pytest.param([*CALL, True, "ex", {"more": []}], marks=pytest.mark.case("M04")),
    pytest.param([1, {"Foo": "Bar"}, "1", "echo", [1], []], marks=pytest.mark.case("M03"))])
def test_an_invocation_may_have_fewer_and_more_items(packed, items):
    packed.send_bytes(prefixed(pack(items)))

    assert packed.completion("1")["result"] == 1


@pytest.mark.case("M04")
def test_every_kind_may_have_more_items(packed):
    upload = packed.call("UploadConcat", streams=["s"])
    for items in ([6, 1], [2, {}, "s", "a", 1], [5, {}, "nothing", 1], [8, 1, 1], [9, 1, 1],
                  [3, {}, "s", 2, 1]):
        packed.send_bytes(prefixed(pack(items)))

    assert packed.completion(upload)["result"] == "a"


@pytest.mark.case("M06")
@pytest.mark.parametrize("items", [[10], [10, "x", {}], [0], [127, 1]])
def test_an_unknown_type_is_passed_over(packed, items):
    packed.send_bytes(prefixed(pack(items)))

    assert packed.unasked() == []


@pytest.mark.case("M07")
@pytest.mark.parametrize("target, arguments", [
    ("Echo", []), ("Echo", [1, 2]), ("Add", ["a", 1]), ("Add", [1.5, 1]), ("Add", 7),
    ("Length", [["a"]])])
def test_arguments_that_do_not_fit_are_an_error_of_the_call(packed, target, arguments):
    packed.send_bytes(prefixed(pack([1, {}, "1", target, arguments, []])))

    assert packed.completion("1")["error"] == (
        f"Failed to invoke '{target}' due to an error on the server.")
    assert packed.result("Echo", 1) == 1


def answer(packed) -> bytes:
    body, = bodies(packed.transport.receive())
    return body


@pytest.mark.case("M08")
def test_a_list_is_an_array(packed):
    packed.call("Echo", [42])

    assert answer(packed) == bytes.fromhex("95 03 80 A1 30 03 91 2A")


@pytest.mark.case("M15")
@pytest.mark.parametrize("call, size", [
    (("Nothing",), 8), (("Echo", 1), 8), (("Echo", None), 8)])
def test_answers_have_the_size_of_the_reference(packed, call, size):
    packed.call(*call)

    assert len(packed.transport.receive()) == size


@pytest.mark.case("M12")
@pytest.mark.parametrize("data", [b"\x80", bytes.fromhex("04 AB CD EF")])
def test_a_part_of_a_message_is_waited_for(packed, data):
    packed.send_bytes(data)

    try:
        ended = packed.next(within=0.3)
    except NothingCame:
        ended = None
    assert ended is None


@pytest.mark.case("M16")
@pytest.mark.parametrize("data", [
    "d6 ff 58ec1c80", "d7 ff 00000004 58ec1c80", "c7 0c ff 00000001 0000000058ec1c80"],
    ids=["32 bits", "64 bits", "96 bits"])
def test_a_moment_of_any_width_comes_back(packed, data):
    moment = bytes.fromhex(data)
    packed.send_bytes(prefixed(b"\x96\x01\x80\xa11\xa4Echo\x91" + moment + b"\x90"))

    # Whatever width it is written in, it is the same moment.
    assert msgpack.unpackb(answer(packed))[4] == msgpack.unpackb(moment)


@pytest.mark.case("M20")
def test_the_short_close_of_the_official_client_is_understood(packed, log):
    packed.send_bytes(bytes.fromhex("03 92 07 C0"))

    assert packed.until_end() == [{"type": 7}]
    assert log.end_of(packed.connection_id) == "-"


@pytest.mark.case("M22")
def test_a_client_result_of_another_type_is_an_error_of_who_waits(packed):
    asking = packed.call("AskMeInt", "Value")
    packed.answer(packed.question(), result="no number")

    assert packed.completion(asking)["error"].endswith(
        "HubException: Error trying to deserialize result to Int.")
    assert packed.result("Echo", 1) == 1


@pytest.mark.case("M10")
@pytest.mark.parametrize("size", [100, 127, 128, 16_383, 16_384, 30_000])
def test_lengths_of_one_two_and_three_bytes_are_read_and_written(packed, size):
    text = "x" * size

    assert packed.result("Echo", text) == text


@pytest.mark.case("M10")
def test_a_length_may_be_longer_than_it_needs(packed):
    body = pack(CALL)
    packed.send_bytes(bytes([0x80 | len(body), 0x80, 0x00]) + body)

    assert packed.completion("1")["result"] == 1


@pytest.mark.case("M01")
@pytest.mark.parametrize("value", [
    0, 127, 128, -1, -33, 2**31, -2**63, 2**63 - 1, 1.5, True, False, None, "", "ä" * 40,
    b"\1\2\3", [], [1, [2, [3]]], {}, {"StringProp": "SignalR!", "NullProp": None}])
def test_a_value_of_any_kind_comes_back(packed, value):
    assert packed.result("Echo", value) == value


@pytest.mark.case("J05")
def test_bytes_reach_a_JSON_client_as_base64(packed, connect, server):
    asked = connect(server)
    asking = packed.call("Ask", asked.connection_id, "Value", b"\1\2\3")

    question = asked.question()
    assert question["arguments"] == ["AQID"]
    asked.answer(question, result=1)
    assert packed.completion(asking)["result"] == 1
