"""What a WebSocket client may not send (P, L) and what it may (V), frame by frame.

Source: RFC 6455 sections 5.1-5.5, 7.4 and 8.1; the IANA registry of close codes; RFC 3629 for what
is no UTF-8.
"""

import struct

from support.websocket_wire import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, close_payload,
                                    encode)

_NAMES = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "close",
          PING: "ping", PONG: "pong"}
_KEY = bytes(4)


def _fragments(opcode: int, *payloads: bytes) -> bytes:
    """One message in several frames; FIN on the last."""
    return b"".join(
        encode(opcode if index == 0 else CONTINUATION, payload,
               is_final=index == len(payloads) - 1)
        for index, payload in enumerate(payloads))


def _begun(opcode: int, *payloads: bytes) -> bytes:
    """The same without its end."""
    return b"".join(encode(opcode if index == 0 else CONTINUATION, payload, is_final=False)
                    for index, payload in enumerate(payloads))


def _length16(opcode: int, length: int, payload: bytes = b"") -> bytes:
    return bytes([0x80 | opcode, 0xFE]) + struct.pack("!H", length) + _KEY + payload


def _length64(opcode: int, length: int, payload: bytes = b"") -> bytes:
    return bytes([0x80 | opcode, 0xFF]) + struct.pack("!Q", length) + _KEY + payload


# What the client sends, and the code with which the server must close.
VIOLATIONS: dict[str, tuple[bytes, int]] = {
    **{f"P: an unmasked {name} frame": (encode(opcode, b"", is_masked=False), 1002)
       for opcode, name in _NAMES.items()},
    "P: an unmasked frame behind a masked one": (
        encode(PING, b"") + encode(TEXT, b"a", is_masked=False), 1002),
    **{f"P: RSV {bits:03b} in a text frame": (encode(TEXT, b"a", reserved=bits), 1002)
       for bits in (1, 2, 3, 5, 6, 7)},
    **{f"P: RSV 001 in a {name} frame": (encode(opcode, b"", reserved=1), 1002)
       for opcode, name in _NAMES.items() if opcode != TEXT},
    "P: RSV 010 in a continuation": (
        _begun(TEXT, b"a") + encode(CONTINUATION, b"b", reserved=2), 1002),
    **{f"P: reserved opcode {opcode}": (encode(opcode), 1002)
       for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15)},
    "P: a reserved opcode inside a message": (_begun(TEXT, b"a") + encode(5, b"b"), 1002),
    **{f"P: a fragmented {_NAMES[opcode]}": (encode(opcode, b"", is_final=False), 1002)
       for opcode in (CLOSE, PING, PONG)},
    **{f"P: a {_NAMES[opcode]} of 126 octets": (encode(opcode, b"a" * 126), 1002)
       for opcode in (CLOSE, PING, PONG)},
    "P: a ping of 64 KiB": (encode(PING, b"a" * 65536), 1002),
    "P: a ping that announces 2^63 - 1 octets": (_length64(PING, (1 << 63) - 1), 1002),
    "P: a continuation of nothing": (encode(CONTINUATION, b"a"), 1002),
    "P: a continuation of nothing, not the last": (encode(CONTINUATION, b"", is_final=False), 1002),
    "P: a continuation behind a ping": (encode(PING) + encode(CONTINUATION, b"b"), 1002),
    "P: a text inside a text": (_begun(TEXT, b"a") + encode(TEXT, b"b"), 1002),
    "P: a binary inside a text": (_begun(TEXT, b"a") + encode(BINARY, b"b"), 1002),
    "P: a text inside a binary": (_begun(BINARY, b"a") + encode(TEXT, b"b"), 1002),
    "P: a text inside an empty text": (_begun(TEXT, b"") + encode(TEXT, b"b"), 1002),
    "P: a close of one octet": (encode(CLOSE, b"\x03"), 1002),
    **{f"P: close code {code}": (encode(CLOSE, close_payload(code)), 1002)
       for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)},
    "P: a close code with the right reason and no sense": (
        encode(CLOSE, close_payload(1005, b"bye")), 1002),
    "P: a close reason that is no UTF-8": (encode(CLOSE, close_payload(1000, b"\xff")), 1007),
    "P: a close reason cut in a character": (
        encode(CLOSE, close_payload(1000, b"caf\xc3")), 1007),
    "P: a request for a frame": (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", 1002),
    "P: a TLS greeting for a frame": (b"\x16\x03\x01\x02\x00\x01\x00", 1002),
    "P: NULs for frames": (bytes(64), 1002),

    **{f"P: no UTF-8, {name}": (encode(TEXT, octets), 1007) for name, octets in {
        "octets that never stand there": b"\xfe\xff",
        "0xf5": b"\xf5\x80\x80\x80",
        "a lone continuation": b"a\x80b",
        "a missing continuation": b"\xc3a",
        "two octets for a slash": b"\xc0\xaf",
        "two octets for NUL": b"\xc0\x80",
        "two octets for DEL": b"\xc1\xbf",
        "three octets for a slash": b"\xe0\x80\xaf",
        "three octets for 0x7ff": b"\xe0\x9f\xbf",
        "four octets for a slash": b"\xf0\x80\x80\xaf",
        "four octets for 0xffff": b"\xf0\x8f\xbf\xbf",
        "five octets": b"\xf8\x88\x80\x80\x80",
        "six octets": b"\xfc\x84\x80\x80\x80\x80",
        "a high surrogate": b"\xed\xa0\x80",
        "a low surrogate": b"\xed\xbf\xbf",
        "a pair of surrogates": b"\xed\xa0\x80\xed\xb0\x80",
        "above U+10FFFF": b"\xf4\x90\x80\x80",
        "cut behind the first octet": b"caf\xc3",
        "cut behind the third of four": b"\xf0\x9f\x98",
        "wrong behind 100 good octets": b"a" * 100 + b"\xff",
    }.items()},
    "P: no UTF-8 across fragments": (_fragments(TEXT, b"\xce", b"a"), 1007),
    "P: no UTF-8 at the end of the last fragment": (_fragments(TEXT, b"a", b"\xce"), 1007),
    # Refused without waiting for the end.
    "P: no UTF-8 in a message without end": (_begun(TEXT, b"a", b"\xff"), 1007),
    "P: no UTF-8 in a frame without end": (encode(TEXT, b"\xff", length=1000), 1007),
    "P: no UTF-8 in the second octet of a character": (_begun(TEXT, b"\xf4", b"\x90"), 1007),

    "L: 16 bits for 0": (_length16(BINARY, 0), 1002),
    "L: 16 bits for 1": (_length16(BINARY, 1, b"a"), 1002),
    "L: 16 bits for 125": (_length16(BINARY, 125, b"a" * 125), 1002),
    "L: 64 bits for 0": (_length64(BINARY, 0), 1002),
    "L: 64 bits for 125": (_length64(BINARY, 125, b"a" * 125), 1002),
    "L: 64 bits for 126": (_length64(BINARY, 126, b"a" * 126), 1002),
    "L: 64 bits for 65,535": (_length64(BINARY, 65535, b"a" * 65535), 1002),
    "L: the top bit alone": (_length64(BINARY, 1 << 63), 1002),
    "L: the top bit and 5": (_length64(BINARY, (1 << 63) + 5, b"hello"), 1002),
    "L: all bits": (_length64(BINARY, (1 << 64) - 1), 1002),
    "L: 2^63 - 1": (_length64(BINARY, (1 << 63) - 1), 1009),
    "L: 2^32": (_length64(BINARY, 1 << 32), 1009),
    "L: 2^32 + 5": (_length64(BINARY, (1 << 32) + 5, b"hello"), 1009),
    "L: an exbibyte of text": (_length64(TEXT, 1 << 60), 1009),
    "L: half a header of 2^40": (bytes([0x82, 0xFF]) + struct.pack("!Q", 1 << 40), 1009),
}


def violations_of_limit(limit: int) -> dict[str, tuple[bytes, int]]:
    """Messages of one octet more than the limit; the header alone says so."""
    return {
        "L: one octet more than the limit": (_length64(BINARY, limit + 1), 1009),
        "L: one octet more than the limit, in two frames": (
            _begun(BINARY, b"a") + bytes([0x80, 0xFF]) + struct.pack("!Q", limit) + _KEY, 1009),
        "L: 2^63 - 1 behind a fragment": (
            _begun(BINARY, b"a") + bytes([0x80, 0xFF]) + struct.pack("!Q", (1 << 63) - 1), 1009),
    }


# What the client sends, and the frames that answer it: opcode and payload.
ANSWERED: dict[str, tuple[bytes, list[tuple[int, bytes]]]] = {
    "V: text": (encode(TEXT, b"hello"), [(TEXT, b"hello")]),
    "V: binary": (encode(BINARY, bytes(range(256))), [(BINARY, bytes(range(256)))]),
    "V: an empty text": (encode(TEXT), [(TEXT, b"")]),
    "V: an empty binary": (encode(BINARY), [(BINARY, b"")]),
    **{f"V: {size} octets": (encode(BINARY, b"x" * size), [(BINARY, b"x" * size)])
       for size in (1, 125, 126, 127, 65535, 65536)},
    "V: two fragments": (_fragments(TEXT, b"hel", b"lo"), [(TEXT, b"hello")]),
    "V: empty fragments": (_fragments(TEXT, b"", b"", b""), [(TEXT, b"")]),
    "V: empty fragments around others": (
        _fragments(BINARY, b"", b"hel", b"", b"lo", b""), [(BINARY, b"hello")]),
    "V: a thousand fragments of one octet": (
        _fragments(BINARY, *[b"x"] * 1000), [(BINARY, b"x" * 1000)]),
    "V: a ping": (encode(PING, b"p"), [(PONG, b"p")]),
    "V: an empty ping": (encode(PING), [(PONG, b"")]),
    "V: a ping of 125 octets": (encode(PING, b"p" * 125), [(PONG, b"p" * 125)]),
    "V: a ping of octets that are no UTF-8": (encode(PING, b"\xff\x00"), [(PONG, b"\xff\x00")]),
    "V: ten pings": (b"".join(encode(PING, b"%d" % n) for n in range(10)),
                     [(PONG, b"%d" % n) for n in range(10)]),
    "V: a ping between fragments": (
        _begun(TEXT, b"hel") + encode(PING, b"p") + encode(CONTINUATION, b"lo"),
        [(PONG, b"p"), (TEXT, b"hello")]),
    "V: a pong that nobody asked for": (
        encode(PONG, b"x") + encode(TEXT, b"a"), [(TEXT, b"a")]),
    "V: a pong between fragments": (
        _begun(TEXT, b"hel") + encode(PONG) + encode(CONTINUATION, b"lo"), [(TEXT, b"hello")]),
    "V: the last code point": (encode(TEXT, b"\xf4\x8f\xbf\xbf"), [(TEXT, b"\xf4\x8f\xbf\xbf")]),
    "V: code points around the surrogates": (
        encode(TEXT, b"\xed\x9f\xbf\xee\x80\x80"), [(TEXT, b"\xed\x9f\xbf\xee\x80\x80")]),
    "V: noncharacters": (encode(TEXT, b"\xef\xbf\xbe\xef\xbf\xbf"),
                         [(TEXT, b"\xef\xbf\xbe\xef\xbf\xbf")]),
    "V: NUL": (encode(TEXT, b"a\0b"), [(TEXT, b"a\0b")]),
    "V: a byte order mark": (encode(TEXT, b"\xef\xbb\xbfa"), [(TEXT, b"\xef\xbb\xbfa")]),
    "V: a character in four fragments": (
        _fragments(TEXT, b"\xf0", b"\x9f", b"\x98", b"\x80"), [(TEXT, b"\xf0\x9f\x98\x80")]),
    "V: octets that are no UTF-8 as binary": (
        encode(BINARY, b"\xff\xfe"), [(BINARY, b"\xff\xfe")]),
    "V: a hundred messages at once": (
        encode(TEXT, b"a") * 100, [(TEXT, b"a")] * 100),
}

# The payload of the client's close frame, and of the server's answer.
CLOSES: dict[str, tuple[bytes, bytes]] = {
    **{f"P: a close with {code}": (close_payload(code), close_payload(code))
       for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
                    3000, 3999, 4000, 4999)},
    "P: a close without a code": (b"", b""),
    "P: a close with a reason": (
        close_payload(1000, "until we meet again \u2014".encode()), close_payload(1000)),
    "P: a close with a reason of 123 octets": (
        close_payload(1000, b"r" * 123), close_payload(1000)),
}
