"""What a hub client may write into its messages (G), and what becomes of it.

    SKIPPED     nothing comes of it, and the next call is answered
    ANSWERED    the call fails, or succeeds, and the next one is answered
    FATAL       Close with an error and allowReconnect, then the end

Source: SignalR HubProtocol ("JSON encoding", "Close messages"); docs/LIMITS.md "Hub".
"""

from support.hub_client import HANDSHAKE, SEPARATOR

_PING = b'{"type":1,"invocationId":"%s","target":"Ping","arguments":[]}' + SEPARATOR


def _record(text: bytes) -> bytes:
    return text + SEPARATOR


def _nested(depth: int) -> bytes:
    return b'{"type":99,"x":' + b"[" * (depth - 1) + b"]" * (depth - 1) + b"}" + SEPARATOR


SKIPPED: dict[str, bytes] = {
    "an unknown type": _record(b'{"type":99}'),
    "a type of zero": _record(b'{"type":0}'),
    "a negative type": _record(b'{"type":-1}'),
    "a ping": _record(b'{"type":6}'),
    "a ping with more in it": _record(b'{"type":6,"x":{"y":[1,2,3]}}'),
    "two thousand pings in one frame": _record(b'{"type":6}') * 2000,
    "ten thousand pings in one frame": _record(b'{"type":6}') * 10_000,
    "arrays as deep as allowed": _nested(64),
    "a result that nobody asked for": _record(b'{"type":3,"invocationId":"x","result":1}'),
    "an error that nobody asked for": _record(b'{"type":3,"invocationId":"x","error":"e"}'),
    "an item of no stream": _record(b'{"type":2,"invocationId":"x","item":1}'),
    "the end of no call": _record(b'{"type":5,"invocationId":"x"}'),
    "an acknowledgement out of place": _record(b'{"type":8,"sequenceId":1}'),
    "the same name twice": _record(b'{"type":6,"x":1,"x":2}'),
    "white space": _record(b' \t\r\n{ "type" : 6 } \n'),
    "escapes": _record(b'{"\\u0074ype":6}'),
    # What stands behind an object is not looked at, as in the .NET hub.
    "two objects": _record(b'{"type":6}{"type":6}'),
    "a comment behind an object": _record(b'{"type":6}//'),
    "NUL behind an object": _record(b'{"type":6}\0'),
    "a call without an id": _record(b'{"type":1,"target":"Nobody","arguments":[]}'),
}

# Each is a call with the id "g".
ANSWERED: dict[str, bytes] = {
    "an unknown method": _record(b'{"type":1,"invocationId":"g","target":"X","arguments":[]}'),
    "a method of 10,000 letters": _record(
        b'{"type":1,"invocationId":"g","target":"' + b"x" * 10_000 + b'","arguments":[]}'),
    "too many arguments": _record(
        b'{"type":1,"invocationId":"g","target":"Ping","arguments":[1,2,3]}'),
    "a thousand arguments": _record(
        b'{"type":1,"invocationId":"g","target":"Ping","arguments":['
        + b",".join([b"1"] * 1000) + b"]}"),
    "an argument of another type": _record(
        b'{"type":1,"invocationId":"g","target":"GetCurrentStatus","arguments":[{"a":[]}]}'),
    "null for an argument": _record(
        b'{"type":1,"invocationId":"g","target":"GetCurrentStatus","arguments":[null]}'),
    "a number that fits nowhere": _record(
        b'{"type":1,"invocationId":"g","target":"GetCurrentStatus","arguments":[1e999]}'),
    "a stream of what is none": _record(
        b'{"type":4,"invocationId":"g","target":"Ping","arguments":[]}'),
}

FATAL: dict[str, bytes] = {
    "no JSON": _record(b"hello"),
    "half an object": _record(b'{"type":6'),
    "a comma too many": _record(b'{"type":6,}'),
    "single quotes": _record(b"{'type':6}"),
    "nothing between two separators": SEPARATOR,
    "an array": _record(b"[6]"),
    "a text": _record(b'"6"'),
    "null": _record(b"null"),
    "no type": _record(b"{}"),
    "a type that is a text": _record(b'{"type":"6"}'),
    "a type that is null": _record(b'{"type":null}'),
    "a type that is a fraction": _record(b'{"type":1.5}'),
    "a type beyond 64 bits": _record(b'{"type":99999999999999999999}'),
    "arguments that are an object": _record(
        b'{"type":1,"invocationId":"g","target":"Ping","arguments":{}}'),
    "no method": _record(b'{"type":1,"invocationId":"g","arguments":[]}'),
    "an empty method": _record(b'{"type":1,"invocationId":"g","target":"","arguments":[]}'),
    "a method that is a number": _record(
        b'{"type":1,"invocationId":"g","target":1,"arguments":[]}'),
    "an id that is a number": _record(
        b'{"type":1,"invocationId":1,"target":"Ping","arguments":[]}'),
    "a result and an error": _record(
        b'{"type":3,"invocationId":"g","result":1,"error":"e"}'),
    "arrays deeper than allowed": _nested(65),
    "ten thousand arrays": _record(b'{"type":99,"x":' + b"[" * 10_000),
    "ten thousand objects": _record(b'{"a":' * 5000),
    "a record above the limit": _record(b'{"type":6,"x":"' + b"a" * 32768 + b'"}'),
    "a record above the limit, without its end": b'{"type":6,"x":"' + b"a" * 40_000,
    "a raw control octet in a text": _record(b'{"type":6,"x":"\x01"}'),
    "an unknown escape": _record(b'{"type":6,"x":"\\q"}'),
}

# Instead of a handshake.
NO_HANDSHAKE: dict[str, bytes] = {
    "a call": _PING % b"1",
    "no JSON": _record(b"hello"),
    "an empty record": SEPARATOR,
    "an array": _record(b"[]"),
    "no protocol": _record(b'{"version":1}'),
    "no version": _record(b'{"protocol":"json"}'),
    "a version that is a text": _record(b'{"protocol":"json","version":"1"}'),
    "a version beyond 32 bits": _record(b'{"protocol":"json","version":4294967297}'),
    "a protocol nobody speaks": _record(b'{"protocol":"xml","version":1}'),
    "a protocol that is null": _record(b'{"protocol":null,"version":1}'),
    "ten thousand arrays": _record(b"[" * 10_000),
    "more than the limit": b" " * 70_000 + HANDSHAKE,
}
