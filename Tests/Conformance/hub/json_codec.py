"""The JSON hub protocol: one object per message, closed by the byte 0x1E.

    {"type":1,"invocationId":"0","target":"Echo","arguments":[1]} 1E │ {"type":6} 1E │ …

Members are written in the order of the official client, which sorts them, so that a server that
relies on another order is found. Source: SignalR HubProtocol, "JSON encoding".
"""

import json

NAME = "json"
IS_BINARY = False
SEPARATOR = b"\x1e"


def encode(message: dict) -> bytes:
    return json.dumps(message, sort_keys=True, separators=(",", ":"),
                      ensure_ascii=False).encode() + SEPARATOR


def decode(batch: bytes) -> list[dict]:
    """The messages of a batch, which must hold whole ones: clients throw on a part of one."""
    assert batch.endswith(SEPARATOR), f"a batch with a part of a record: {batch[-200:]!r}"
    return [json.loads(record) for record in batch[:-1].split(SEPARATOR)]
