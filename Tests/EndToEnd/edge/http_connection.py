"""How connections are kept, shared and ended (V, END), and the opening handshake (W).

Source: RFC 9112 sections 9.3, 9.3.2, 9.5 and 9.6; RFC 9110 sections 7.6.1, 7.8, 9.3.2 and 10.1.1;
RFC 6455 sections 4.1, 4.2 and 4.4.
"""

import base64

from .http_case import (CHUNKED, MUST, SHOULD, Answer, Case, chunked, dribbled, echoed, get, post,
                        served)

_OK = Answer(frozenset({200}))
_GOES_ON = Answer(frozenset({100}))
_HELLO = Answer(frozenset({200}), b"hello")
_BROKEN = Answer(frozenset({400}))
# A page that takes every path, none, or a WebSocket only.
_NOBODY = frozenset({200, 404, 426})
_OLD = b"HTTP/1.0"
_KEEP = b"Connection: keep-alive\r\n"
_CLOSE = b"Connection: close\r\n"
_LENGTH = b"Content-Length: 5\r\n"
_CONTINUE = b"Expect: 100-continue\r\n"
_CHUNKS = b'3;a="b"\r\nhel\r\n2\r\nlo\r\n0\r\nX: y\r\n\r\n'


def _ending(group: str, level: str, rows: dict[str, tuple[bytes, list[Answer]]],
            **options: bool) -> list[Case]:
    """Rows whose connection ends, well, behind the answers."""
    return [Case(f"{group}: {name}", level, octets, tuple(answers), ends=True, **options)
            for name, (octets, answers) in rows.items()]


def _staying(group: str, level: str, rows: dict[str, tuple[bytes, list[Answer]]],
             **options: bool) -> list[Case]:
    return [Case(f"{group}: {name}", level, octets, tuple(answers), ends=False, **options)
            for name, (octets, answers) in rows.items()]


CONNECTIONS: list[Case] = [
    *served("V", MUST, {
        "GET": get(),
        "GET with a body": get(_LENGTH) + b"hello",
        "GET with a body that is a request": (
            get(b"Content-Length: 18\r\n") + b"GET / HTTP/1.1\r\n\r\n"),
        "a length of zero": get(b"Content-Length: 0\r\n"),
        "keep-alive said in HTTP/1.1": get(_KEEP),
        "HTTP/1.0 that wants to stay": get(_KEEP, version=_OLD),
        "HTTP/1.0 that wants to stay, in capitals": get(
            b"Connection: KEEP-ALIVE\r\n", version=_OLD),
        "HTTP/1.0 that wants to stay, in a list": get(
            b"Connection: x, keep-alive\r\n", version=_OLD),
        "an unknown connection option": get(b"Connection: x-hop\r\nx-hop: a\r\n"),
        "a connection option that only looks like close": get(b"Connection: closed\r\n"),
        "an empty connection list": get(b"Connection: ,,\r\n"),
        "an upgrade nobody knows": get(b"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n"),
        "an upgrade to HTTP/2": get(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n"),
        "announced trailers": get(b"TE: trailers\r\nConnection: TE\r\n"),
        "an expectation without a body": get(_CONTINUE),
        "a user agent's usual fields": get(
            b"User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: */*\r\n"
            b"Accept-Encoding: gzip, deflate, br\r\nAccept-Language: de;q=0.7\r\nDNT: 1\r\n"
            b"Cache-Control: no-cache\r\nPragma: no-cache\r\nCookie: a=b; c=d\r\n"),
        "a Max-Forwards of zero": get(b"Max-Forwards: 0\r\n"),
    }),
    *dribbled(served("V", MUST, {
        "GET": get(b"X: a\r\n"),
        "empty lines and GET": b"\r\n\r\n" + get(),
    })),
    *echoed("V", MUST, {
        "POST": (post(_LENGTH, b"hello"), b"hello"),
        "POST with chunks": (chunked(_CHUNKS), b"hello"),
        "POST in HTTP/1.0 that wants to stay": (
            post(_LENGTH + _KEEP, b"hello", version=_OLD), b"hello"),
        "a body that is a request": (
            post(b"Content-Length: 35\r\n", b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
            b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"),
        "an expectation in HTTP/1.0 is not heard": (
            post(_LENGTH + _CONTINUE + _KEEP, b"hello", version=_OLD), b"hello"),
    }),
    *dribbled(echoed("V", MUST, {
        "POST": (post(_LENGTH, b"hello"), b"hello"),
        "POST with chunks, extensions and trailers": (chunked(_CHUNKS), b"hello"),
    })),
    *_staying("V", MUST, {
        "HEAD": (get(method=b"HEAD"), [Answer(frozenset({200}), to_head=True)]),
        "HEAD of a path that nobody has": (
            get(method=b"HEAD", target=b"/nobody/has/this"),
            [Answer(_NOBODY, to_head=True)]),
        "HEAD between two GETs": (
            get() + get(method=b"HEAD") + get(),
            [_OK, Answer(frozenset({200}), to_head=True), _OK]),
        "two at once": (get() + get(), [_OK] * 2),
        "fifty at once": (get() * 50, [_OK] * 50),
        "five hundred at once": (get() * 500, [_OK] * 500),
        "good ones around one that nobody has": (
            get() + get(target=b"/nobody/has/this") + get(),
            [_OK, Answer(_NOBODY), _OK]),
        "an empty line between two": (get() + b"\r\n" + get(), [_OK] * 2),
    }),
    *_staying("V", MUST, {
        "an empty line behind a body": (post(_LENGTH, b"hello\r\n") + get(), [_HELLO, _OK]),
        "fifty bodies at once": (
            b"".join(post(b"Content-Length: 2\r\n", b"%02d" % n) for n in range(50)),
            [Answer(frozenset({200}), b"%02d" % n) for n in range(50)]),
        "lengths, chunks and none by turns": (
            (post(_LENGTH, b"hello") + chunked(_CHUNKS) + get()) * 10, [_HELLO, _HELLO, _OK] * 10),
        "an expectation": (post(_LENGTH + _CONTINUE, b"hello"), [_GOES_ON, _HELLO]),
        "an expectation in capitals": (
            post(_LENGTH + b"EXPECT: 100-CONTINUE\r\n", b"hello"), [_GOES_ON, _HELLO]),
        "an expectation with chunks": (chunked(_CHUNKS, _CONTINUE), [_GOES_ON, _HELLO]),
        "an expectation with a length of zero": (
            post(b"Content-Length: 0\r\n" + _CONTINUE), [Answer(frozenset({200}), b"")]),
    }, echoes=True),
    *_ending("END", MUST, {
        "close": (get(_CLOSE), [_OK]),
        "close in capitals": (get(b"Connection: CLOSE\r\n"), [_OK]),
        "close in a list": (get(b"Connection: x, close\r\n"), [_OK]),
        "close without a blank in a list": (get(b"Connection: x,close,y\r\n"), [_OK]),
        "close in a second field": (get(_KEEP + _CLOSE), [_OK]),
        "close against keep-alive": (get(b"Connection: keep-alive, close\r\n"), [_OK]),
        "close with tabs": (get(b"Connection:\tclose\t\r\n"), [_OK]),
        "close in the first of two": (get(_CLOSE) + get(), [_OK]),
        "close in the second of three": (get() + get(_CLOSE) + get(), [_OK] * 2),
        "HTTP/1.0": (get(version=_OLD), [_OK]),
        "HTTP/1.0 without a host": (get(version=_OLD, host=b""), [_OK]),
        "HTTP/1.0 that wants both": (get(_KEEP + _CLOSE, version=_OLD), [_OK]),
        "HEAD with a broken field": (
            get(b"X : a\r\n", method=b"HEAD"), [Answer(frozenset({400}), to_head=True)]),
        "HEAD without a host": (
            get(host=b"", method=b"HEAD"), [Answer(frozenset({400}), to_head=True)]),
        "an error behind good ones": (get() * 3 + b"broken\r\n", [_OK] * 3 + [_BROKEN]),
    }),
    *_ending("END", MUST, {
        "HTTP/1.0 with a body": (post(_LENGTH, b"hello", version=_OLD), [_HELLO]),
        "close with a body": (post(_LENGTH + _CLOSE, b"hello"), [_HELLO]),
        "close with chunks": (chunked(_CHUNKS, _CLOSE), [_HELLO]),
        "an error behind a body": (post(_LENGTH, b"hello") + b"broken\r\n", [
            _HELLO, _BROKEN]),
        # A field like any other, so that what follows is a request, and none.
        "a length with an underscore in its name": (
            post(b"Content_Length: 5\r\n", b"hello\r\n"), [_OK, _BROKEN]),
        "a coding with an underscore in its name": (
            post(b"Transfer_Encoding: chunked\r\n", b"5\r\nhello\r\n0\r\n\r\n"), [_OK, _BROKEN]),
        "an expectation of too large a body": (
            post(b"Content-Length: 1099511627776\r\n" + _CONTINUE), [Answer(frozenset({413}))]),
    }, echoes=True),
    *_ending("END", SHOULD, {
        # The body may come or not, so the next request could not be told from it.
        "an expectation on a path that nobody has": (
            post(_LENGTH + _CONTINUE, target=b"/nobody/has/this"), [Answer(_NOBODY | {405})]),
    }),
]


def _half(name: str, octets: bytes, answers: list[Answer], echoes: bool = False) -> Case:
    return Case(f"END: a half-close {name}", MUST, octets, tuple(answers), ends=True,
                echoes=echoes, half_closes=True)


HALF_CLOSES: list[Case] = [
    _half("and nothing else", b"", []),
    _half("in a request line", b"GET <get> HT", []),
    _half("in the fields", get()[:-2], []),
    _half("in a body", post(_LENGTH, b"hel"), []),
    _half("in a chunk", chunked(b"5\r\nhel"), []),
    _half("before the last chunk", chunked(b"5\r\nhello\r\n"), []),
    _half("before the end of the trailers", chunked(b"5\r\nhello\r\n0\r\nX: y\r\n"), []),
]

# The answer need not say that it is the last: the client has said so.
ANSWERED_HALF_CLOSES: list[Case] = [
    _half("behind GET", get(), [_OK]),
    _half("behind HEAD", get(method=b"HEAD"), [Answer(frozenset({200}), to_head=True)]),
    _half("behind fifty GETs", get() * 50, [_OK] * 50),
    _half("behind a body", post(_LENGTH, b"hello"), [_HELLO], echoes=True),
    _half("behind chunks", chunked(_CHUNKS), [_HELLO], echoes=True),
    _half("behind an expectation and its body", post(_LENGTH + _CONTINUE, b"hello"), [
        _GOES_ON, _HELLO], echoes=True),
    _half("behind GET and half a request", get() + b"GET <get> HT", [_OK]),
    _half("behind a large body", post(b"Content-Length: 1048576\r\n", b"x" * (1 << 20)), [
        Answer(frozenset({200}), b"x" * (1 << 20))], echoes=True),
]

KEY = b"dGhlIHNhbXBsZSBub25jZQ=="


def upgrade(*, key: bytes = b"Sec-WebSocket-Key: " + KEY + b"\r\n",
            version: bytes = b"Sec-WebSocket-Version: 13\r\n",
            connection: bytes = b"Connection: Upgrade\r\n",
            protocol: bytes = b"Upgrade: websocket\r\n", more: bytes = b"", **line: bytes) -> bytes:
    return get(connection + protocol + version + key + more, **line)


def _key(text: bytes) -> bytes:
    return b"Sec-WebSocket-Key: " + text + b"\r\n"


_NOT = frozenset({400, 405, 426, 501, 505})


def _not_upgraded(level: str, statuses: frozenset[int], rows: dict[str, bytes]) -> list[Case]:
    """Well-framed requests: answered once, with no 101, and the next one is answered as well."""
    return [Case(f"W: {name}", level, octets, (Answer(statuses),), ends=False)
            for name, octets in rows.items()]


REFUSED_UPGRADES: list[Case] = [
    *_not_upgraded(MUST, frozenset({400}), {
        "no key": upgrade(key=b""),
        "an empty key": upgrade(key=_key(b"")),
        "a key of 15 octets": upgrade(key=_key(base64.b64encode(bytes(15)))),
        "a key of 17 octets": upgrade(key=_key(base64.b64encode(bytes(17)))),
        "a key without padding": upgrade(key=_key(KEY[:-2])),
        "a key with one padding too few": upgrade(key=_key(KEY[:-1])),
        "a key in another alphabet": upgrade(key=_key(b"-_" + KEY[2:])),
        "a key with a blank": upgrade(key=_key(KEY[:10] + b" " + KEY[11:])),
        "a key with text behind": upgrade(key=_key(KEY + b", x")),
        "two keys": upgrade(key=_key(KEY) + _key(KEY)),
        "two keys that differ": upgrade(key=_key(KEY) + _key(base64.b64encode(bytes(16)))),
    }),
    *_not_upgraded(MUST, frozenset({400, 426}), {
        "no version": upgrade(version=b""),
        "version 12": upgrade(version=b"Sec-WebSocket-Version: 12\r\n"),
        "version 8": upgrade(version=b"Sec-WebSocket-Version: 8\r\n"),
        "version 0": upgrade(version=b"Sec-WebSocket-Version: 0\r\n"),
        "version 14": upgrade(version=b"Sec-WebSocket-Version: 14\r\n"),
        "version 013": upgrade(version=b"Sec-WebSocket-Version: 013\r\n"),
        "version 13.0": upgrade(version=b"Sec-WebSocket-Version: 13.0\r\n"),
        "an empty version": upgrade(version=b"Sec-WebSocket-Version:\r\n"),
        "two versions": upgrade(version=b"Sec-WebSocket-Version: 13\r\n" * 2),
        "a list of versions": upgrade(version=b"Sec-WebSocket-Version: 8, 13\r\n"),
    }),
    *_not_upgraded(MUST, _NOT, {
        "POST": upgrade(method=b"POST"),
        "PUT": upgrade(method=b"PUT"),
        "an unknown method": upgrade(method=b"BREW"),
        "no connection option": upgrade(connection=b""),
        "another connection option": upgrade(connection=b"Connection: keep-alive\r\n"),
        "a connection option that contains the word": upgrade(
            connection=b"Connection: no-upgrade\r\n"),
    }),
    *_not_upgraded(MUST, frozenset({200, 400, 404, 426}), {
        "no Upgrade": upgrade(protocol=b""),
        "another protocol": upgrade(protocol=b"Upgrade: h2c\r\n"),
        "a protocol that contains the word": upgrade(protocol=b"Upgrade: websockets\r\n"),
    }),
    *(Case(f"W: {name}", MUST, octets, (Answer(_NOT),), ends=True)
      for name, octets in {
          "HTTP/1.0": upgrade(version=b"Sec-WebSocket-Version: 13\r\n").replace(
              b"HTTP/1.1", _OLD),
          "no host": upgrade(host=b""),
          "a folded Upgrade": upgrade(protocol=b"Upgrade:\r\n websocket\r\n"),
          "a bare LF": upgrade(more=b"X: a\n"),
      }.items()),
]

# Each is answered with 101 and echoes a message.
ACCEPTED_UPGRADES: dict[str, bytes] = {
    "the usual": upgrade(),
    "a list of options": upgrade(connection=b"Connection: keep-alive, Upgrade\r\n"),
    "options in two fields": upgrade(
        connection=b"Connection: keep-alive\r\nConnection: Upgrade\r\n"),
    "lower case": upgrade(
        connection=b"connection: upgrade\r\n", protocol=b"upgrade: websocket\r\n"),
    "upper case": upgrade(
        connection=b"CONNECTION: UPGRADE\r\n", protocol=b"UPGRADE: WEBSOCKET\r\n"),
    "a list of protocols": upgrade(protocol=b"Upgrade: h2c, websocket\r\n"),
    "protocols in two fields": upgrade(protocol=b"Upgrade: h2c\r\nUpgrade: websocket\r\n"),
    "tabs around the values": upgrade(
        connection=b"Connection:\tUpgrade\t\r\n", version=b"Sec-WebSocket-Version:\t13\t\r\n",
        key=b"Sec-WebSocket-Key:\t" + KEY + b"\t\r\n"),
    "no blanks": upgrade(connection=b"Connection:Upgrade\r\n", protocol=b"Upgrade:websocket\r\n",
                         version=b"Sec-WebSocket-Version:13\r\n", key=b"Sec-WebSocket-Key:" + KEY
                         + b"\r\n"),
    "a sub-protocol nobody speaks": upgrade(more=b"Sec-WebSocket-Protocol: chat, superchat\r\n"),
    "an extension nobody knows": upgrade(more=b"Sec-WebSocket-Extensions: x-unknown; a=1\r\n"),
    "an absolute target": upgrade(target=b"http://localhost<get>"),
    "an origin": upgrade(more=b"Origin: https://shop.example\r\n"),
    "an empty line first": b"\r\n" + upgrade(),
    "a body, which is no frame": upgrade(more=_LENGTH) + b"hello",
    "a chunked body, which is no frame": upgrade(more=CHUNKED) + _CHUNKS,
    "HTTP/1.2": upgrade().replace(b"HTTP/1.1", b"HTTP/1.2"),
}
