"""The tests' own clients against the vectors of the reference, so that a wrong client does not
find a right server wrong.
"""

import base64

import pytest
from hub import json_codec, messagepack_codec
from hub.messagepack_codec import bodies, message_of, pack, prefixed, unpack

HEADERS = {"Foo": "Bar", "KeyWith\nNew\r\nLines": "Still Works",
           "ValueWithNewLines": "Also\nWorks\r\nFine"}


def invocation(name, *arguments, kind=1, **members) -> dict:
    return {"type": kind, "target": "method", "arguments": list(arguments),
            **({"invocationId": name} if name else {}), **members}


def completion(**members) -> dict:
    return {"type": 3, "invocationId": "xyz", **members}


VECTORS = [
    ("MV01", invocation("xyz"), "lgGAo3h5eqZtZXRob2SQkA=="),
    ("MV02", invocation(None), "lgGAwKZtZXRob2SQkA=="),
    ("MV03", invocation(None, 42), "lgGAwKZtZXRob2SRKpA="),
    ("MV04", invocation(None, 42, "string"), "lgGAwKZtZXRob2SSKqZzdHJpbmeQ"),
    ("MV06", invocation(None, None), "lgGAwKZtZXRob2SRwJA="),
    ("MV10", invocation(None, target="Target", streamIds=["__test_id__", "__test_id2__"]),
     "lgGAwKZUYXJnZXSQkqtfX3Rlc3RfaWRfX6xfX3Rlc3RfaWQyX18="),
    ("MV11", {"type": 2, "invocationId": "xyz", "item": 42}, "lAKAo3h5eio="),
    ("MV15", {"type": 2, "invocationId": "xyz", "item": None}, "lAKAo3h5esA="),
    ("MV18", completion(error="Error not found!"), "lQOAo3h5egGwRXJyb3Igbm90IGZvdW5kIQ=="),
    ("MV19", completion(error="Error not found!", headers=HEADERS),
     "lQODo0Zvb6NCYXKyS2V5V2l0aApOZXcNCkxpbmVzq1N0aWxsIFdvcmtzsVZhbHVlV2l0aE5ld0xpbmVzsEFsc28K"
     "V29ya3MNCkZpbmWjeHl6AbBFcnJvciBub3QgZm91bmQh"),
    ("MV20", completion(), "lAOAo3h5egI="),
    ("MV22", completion(result=42), "lQOAo3h5egMq"),
    ("MV26", completion(result=None), "lQOAo3h5egPA"),
    ("MV30", invocation("xyz", 42, kind=4), "lgSAo3h5eqZtZXRob2SRKpA="),
    ("MV36", {"type": 5, "invocationId": "xyz"}, "kwWAo3h5eg=="),
    ("MV38", {"type": 6}, "kQY="),
    ("MV39", {"type": 7}, "kwfAwg=="),
    ("MV40", {"type": 7, "error": "Error!"}, "kwemRXJyb3Ihwg=="),
    ("MV41", {"type": 7, "allowReconnect": True}, "kwfAww=="),
    ("MV42", {"type": 7, "error": "Error!", "allowReconnect": True}, "kwemRXJyb3Ihww=="),
    ("MV43", {"type": 8, "sequenceId": 42}, "kggq"),
    ("MV44", {"type": 9, "sequenceId": 146}, "kgnMkg=="),
]


@pytest.mark.parametrize("message, encoded", [
    pytest.param(message, encoded, id=name) for name, message, encoded in VECTORS])
def test_a_vector_is_written_and_read(message, encoded):
    body = base64.b64decode(encoded)

    assert messagepack_codec.encode(message) == prefixed(body)
    assert messagepack_codec.decode(prefixed(body)) == [message]


def test_the_vectors_with_a_length_and_in_hexadecimal_are_written():
    assert messagepack_codec.encode(invocation("xyz", 42)) == base64.b64decode(
        "EZYBgKN4eXqmbWV0aG9kkSqQ")
    assert pack([3, {}, "0", 3, [42]]) == bytes.fromhex("95 03 80 A1 30 03 91 2A")
    assert message_of(unpack(bytes.fromhex("95038 0A1300391 2A".replace(" ", "")))) == {
        "type": 3, "invocationId": "0", "result": [42]}


@pytest.mark.parametrize("size, length", [(0, "00"), (1, "01"), (127, "7f"), (128, "8001"),
                                          (16_383, "ff7f"), (16_384, "808001")])
def test_a_length_has_seven_bits_per_byte(size, length):
    framed = prefixed(b"x" * size)

    assert framed == bytes.fromhex(length) + b"x" * size
    assert bodies(framed * 2) == [b"x" * size] * 2


@pytest.mark.parametrize("batch", [b"\x80", b"\x04\xab\xcd\xef", b"\xff\xff\xff\xff\x07"])
def test_a_part_of_a_message_fails_the_test_that_receives_it(batch):
    with pytest.raises(AssertionError):
        bodies(batch)


def test_a_part_of_a_record_fails_the_test_that_receives_it():
    assert json_codec.decode(b'{"type":6}\x1e{"type":7}\x1e') == [{"type": 6}, {"type": 7}]
    with pytest.raises(AssertionError):
        json_codec.decode(b'{"type":6}\x1e{"ty')


def test_members_are_written_in_the_order_of_the_official_client():
    assert json_codec.encode({"type": 1, "target": "T", "invocationId": "0", "arguments": [1],
                              "streamIds": ["1"]}) == (
        b'{"arguments":[1],"invocationId":"0","streamIds":["1"],"target":"T","type":1}\x1e')
