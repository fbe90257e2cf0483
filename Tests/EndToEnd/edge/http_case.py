"""One row of the HTTP tables, and how it is judged.

    octets ──▶ server ──▶ the answers of the row ─┬─ ends: the connection ends, nothing more comes
       + canary, a good GET behind them           └─ stays: the canary is answered with 200

A canary that is answered behind a refusal means that the rest of a broken request was taken for a
new one. Paths stand as `<get>` and `<post>`, so that one table suits every server.

Levels: MUST is a literal rule of RFC 9110, 9112 or 6455; SMUGGLING a published way to make two
parsers disagree; SHOULD a recommendation; HARDENING what this project asks of itself.
"""

import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace

from support.deadline import Deadline
from support.http_wire import PeerClosed, Wire
from support.server import Address

MUST, SMUGGLING, SHOULD, HARDENING = "must", "smuggling", "should", "hardening"

# The claim is never about time here; a server that does not answer at all fails in the end.
WITHIN = 30.0

HOST = b"Host: localhost\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def get(fields: bytes = b"", *, target: bytes = b"<get>", version: bytes = b"HTTP/1.1",
        host: bytes = HOST, method: bytes = b"GET") -> bytes:
    return method + b" " + target + b" " + version + b"\r\n" + host + fields + b"\r\n"


def post(fields: bytes, body: bytes = b"", **parts: bytes) -> bytes:
    return get(fields, **{"method": b"POST", "target": b"<post>", **parts}) + body


def chunked(body: bytes, fields: bytes = b"") -> bytes:
    return post(CHUNKED + fields, body)


@dataclass(frozen=True)
class Answer:
    statuses: frozenset[int]
    # Compared octet for octet; None: whatever it is.
    body: bytes | None = None
    to_head: bool = False


@dataclass(frozen=True)
class Case:
    name: str
    level: str
    octets: bytes
    answers: tuple[Answer, ...]
    ends: bool
    # Its answers hold only where `<post>` sends the body back.
    echoes: bool = False
    # Octets are sent one by one.
    dribbles: bool = False
    # The client closes its half behind the octets; there is no canary then.
    half_closes: bool = False

    def __str__(self) -> str:
        return self.name


def refused(group: str, level: str, statuses: int | set[int],
            rows: dict[str, bytes]) -> Iterator[Case]:
    """Rows that are answered once, with one of the statuses, and end their connection."""
    allowed = frozenset({statuses} if isinstance(statuses, int) else statuses)
    for name, octets in rows.items():
        yield Case(f"{group}: {name}", level, octets, (Answer(allowed),), ends=True)


def served(group: str, level: str, rows: dict[str, bytes], *, status: int | set[int] = 200,
           **options: bool) -> Iterator[Case]:
    """Rows that are answered once and keep their connection."""
    allowed = frozenset({status} if isinstance(status, int) else status)
    for name, octets in rows.items():
        yield Case(f"{group}: {name}", level, octets, (Answer(allowed),), ends=False, **options)


def echoed(group: str, level: str, rows: dict[str, tuple[bytes, bytes]]) -> Iterator[Case]:
    """Rows of a request and the body that its answer must carry."""
    for name, (octets, body) in rows.items():
        yield Case(f"{group}: {name}", level, octets, (Answer(frozenset({200}), body),),
                   ends=False, echoes=True)


def dribbled(cases: Iterator[Case]) -> Iterator[Case]:
    for case in cases:
        yield replace(case, name=f"{case.name}, octet by octet", dribbles=True)


@dataclass(frozen=True)
class Target:
    """A server, and which of its paths the rows mean."""
    address: Address
    tls: bool = False
    get_path: bytes = b"/"
    post_path: bytes = b"/echo"

    def fill(self, octets: bytes) -> bytes:
        return octets.replace(b"<get>", self.get_path).replace(b"<post>", self.post_path)


def judge(case: Case, target: Target) -> None:
    """Sends the row and compares; an AssertionError says what was wrong."""
    canary = b"" if case.half_closes else target.fill(get())
    with Wire(target.address, target.tls) as wire:
        _send(wire, case, target.fill(case.octets), canary)
        try:
            says_close = [_compare(wire, answer) for answer in case.answers]
            if not case.ends:
                says_close.append(wire.read_response(within=WITHIN).says_close)
        except PeerClosed as closed:
            raise AssertionError(f"the answer was lost: {closed}") from closed
        if case.ends:
            _expect_end(wire)
        # Who half-closes has said itself that nothing more comes.
        if not case.half_closes:
            wanted = [False] * len(says_close)
            if case.ends:
                wanted[-1] = True
            assert says_close == wanted, f"which answers said close: {says_close}"


def _send(wire: Wire, case: Case, octets: bytes, canary: bytes) -> None:
    if case.dribbles:
        for octet in octets:
            wire.send(bytes([octet]))
        wire.send(canary)
    else:
        wire.send(octets + canary)
    if case.half_closes:
        wire.socket.shutdown(socket.SHUT_WR)


def _compare(wire: Wire, answer: Answer) -> bool:
    response = wire.read_response(to_head=answer.to_head, within=WITHIN)
    assert response.status in answer.statuses, response
    assert answer.body is None or response.body == answer.body, response
    return response.says_close


def _expect_end(wire: Wire) -> None:
    try:
        if not wire.buffer:
            wire.more(Deadline(WITHIN))
    except PeerClosed as closed:
        assert not closed.reset, "ended by a reset, which may overtake the answer"
        return
    raise AssertionError(f"a second answer, the framing was lost: {wire.buffer!r}")
