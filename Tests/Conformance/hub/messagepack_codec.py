"""The MessagePack hub protocol: arrays behind a length of one to five bytes.

      1 to 5 bytes              body
    | 7 bits | … | 7 bits | [type, headers, id or nil, …]
      low group first, the high bit says that more follow

A decoded message is a dictionary with the member names of the JSON protocol, so that a test can be
written once for both. Source: SignalR HubProtocol, "MessagePack encoding".
"""

import msgpack

NAME = "messagepack"
IS_BINARY = True

INVOCATION, ITEM, COMPLETION, STREAM, CANCEL, PING, CLOSE, ACK, SEQUENCE = range(1, 10)
ERROR, VOID, RESULT = 1, 2, 3


def prefixed(body: bytes) -> bytes:
    """The body with its length in front."""
    prefix, rest = bytearray(), len(body)
    while True:
        low, rest = rest & 0x7F, rest >> 7
        prefix.append(low | (0x80 if rest else 0))
        if not rest:
            return bytes(prefix) + body


def bodies(batch: bytes) -> list[bytes]:
    """The bodies of a batch, which must hold whole ones."""
    found, place = [], 0
    while place < len(batch):
        size, shift = 0, 0
        while True:
            assert place < len(batch) and shift <= 28, f"a broken length in {batch[:64].hex(' ')}"
            byte = batch[place]
            size, shift, place = size | (byte & 0x7F) << shift, shift + 7, place + 1
            if not byte & 0x80:
                break
        assert place + size <= len(batch), f"a part of a message: {batch[:64].hex(' ')}"
        found.append(batch[place:place + size])
        place += size
    return found


def pack(value) -> bytes:
    return msgpack.packb(value, use_bin_type=True)


def unpack(body: bytes):
    return msgpack.unpackb(body, raw=False, strict_map_key=False)


def items_of(message: dict) -> list:
    """The array of a message; the second item is its headers, always there where they may be."""
    kind, headers = message["type"], message.get("headers", {})
    name = message.get("invocationId")
    if kind in (INVOCATION, STREAM):
        return [kind, headers, name, message["target"], message["arguments"],
                message.get("streamIds", [])]
    if kind == ITEM:
        return [kind, headers, name, message["item"]]
    if kind == COMPLETION:
        if "error" in message:
            return [kind, headers, name, ERROR, message["error"]]
        if "result" in message:
            return [kind, headers, name, RESULT, message["result"]]
        return [kind, headers, name, VOID]
    if kind == CANCEL:
        return [kind, headers, name]
    if kind == CLOSE:
        return [kind, message.get("error"), message.get("allowReconnect", False)]
    return [kind, message["sequenceId"]] if kind in (ACK, SEQUENCE) else [kind]


def message_of(items: list) -> dict:
    """The message of an array as a server writes it: exactly the items of its kind."""
    kind, rest = items[0], items[1:]
    message = {"type": kind}
    if kind in (INVOCATION, ITEM, COMPLETION, STREAM, CANCEL):
        headers, name, *rest = rest
        message |= {"headers": headers} if headers else {}
        message |= {"invocationId": name} if name is not None else {}
    if kind in (INVOCATION, STREAM):
        target, arguments, streams = rest
        message |= {"target": target, "arguments": arguments}
        message |= {"streamIds": streams} if streams else {}
    elif kind == ITEM:
        message["item"], = rest
    elif kind == COMPLETION:
        state, *value = rest
        assert len(value) == (0 if state == VOID else 1), items
        message |= {} if state == VOID else {{ERROR: "error", RESULT: "result"}[state]: value[0]}
    elif kind == CLOSE:
        error, allow = rest
        message |= {"error": error} if error is not None else {}
        message |= {"allowReconnect": True} if allow else {}
    elif kind in (ACK, SEQUENCE):
        message["sequenceId"], = rest
    else:
        assert kind in (CANCEL, PING) and not rest, items
    return message


def encode(message: dict) -> bytes:
    return prefixed(pack(items_of(message)))


def decode(batch: bytes) -> list[dict]:
    return [message_of(unpack(body)) for body in bodies(batch)]
