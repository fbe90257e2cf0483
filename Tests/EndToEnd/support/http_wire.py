"""HTTP/1.1 on a bare socket: what is sent is sent byte for byte, what comes is read strictly.

    Wire ── send(bytes) ──▶ socket ──▶ read_response() ──▶ Response

A library client would mend or refuse the malformed requests that the tests must be able to send,
and would hide the headers they must be able to see. Source: RFC 9110, RFC 9112.
"""

import json
import socket
import ssl
from dataclasses import dataclass, field

from .deadline import Deadline

ANSWER_WITHIN = 10.0


class PeerClosed(Exception):
    """The server ended the connection; `received` holds what came before that."""

    def __init__(self, received: bytes, reset: bool = False):
        super().__init__(f"closed{' by a reset' if reset else ''} after {received!r}")
        self.received = received
        self.reset = reset


class NothingCame(AssertionError):
    """The time for an answer is over and the connection still stands."""


@dataclass
class Response:
    status: int
    reason: str
    version: str
    fields: list[tuple[str, str]]
    body: bytes = b""
    head: bytes = field(default=b"", repr=False)

    def header(self, name: str) -> str | None:
        """The value of a field; None if it is absent. A field that stands twice fails the test."""
        values = [value for key, value in self.fields if key.lower() == name.lower()]
        assert len(values) < 2, f"{name} stands {len(values)} times: {values}"
        return values[0] if values else None

    @property
    def says_close(self) -> bool:
        return (self.header("Connection") or "").lower() == "close"

    def json(self):
        return json.loads(self.body)


class Wire:
    """One connection. All reads share one buffer, so that pipelined answers are told apart."""

    def __init__(self, address: tuple[str, int], tls: bool = False, *, source: str = "",
                 preface: bytes = b""):
        """From `source`, one of this machine's addresses; `preface` is sent before TLS begins."""
        self.socket = socket.create_connection(
            address, timeout=ANSWER_WITHIN, source_address=(source, 0) if source else None)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.send(preface)
        if tls:
            trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            trusting.check_hostname = False
            trusting.verify_mode = ssl.CERT_NONE
            self.socket = trusting.wrap_socket(self.socket, server_hostname="localhost")
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data: bytes):
        """Sends all of it. A server that has already closed is no error here: the answer tells."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError, ssl.SSLZeroReturnError):
            pass

    def more(self, deadline: Deadline) -> None:
        """Reads at least one octet more into the buffer, or raises PeerClosed or NothingCame."""
        self.socket.settimeout(max(deadline.left(), 0.001))
        try:
            piece = self.socket.recv(65536)
        except (TimeoutError, ssl.SSLWantReadError):
            raise NothingCame(f"no answer in time; received so far: {self.buffer!r}") from None
        except ConnectionResetError:
            raise PeerClosed(self.buffer, reset=True) from None
        except ssl.SSLEOFError:
            piece = b""
        if not piece:
            raise PeerClosed(self.buffer)
        self.buffer += piece

    def take(self, count: int, deadline: Deadline) -> bytes:
        while len(self.buffer) < count:
            self.more(deadline)
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken

    def take_through(self, mark: bytes, deadline: Deadline) -> bytes:
        while mark not in self.buffer:
            self.more(deadline)
        end = self.buffer.index(mark) + len(mark)
        taken, self.buffer = self.buffer[:end], self.buffer[end:]
        return taken

    def read_response(self, to_head: bool = False, within: float = ANSWER_WITHIN) -> Response:
        """The next answer with its whole body; `to_head` if the request was a HEAD."""
        deadline = Deadline(within)
        response = parse_head(self.take_through(b"\r\n\r\n", deadline))
        has_no_body = to_head or response.status in (204, 304) or response.status < 200
        if not has_no_body:
            response.body = self._read_body(response, deadline)
        return response

    def _read_body(self, response: Response, deadline: Deadline) -> bytes:
        if (response.header("Transfer-Encoding") or "").lower() == "chunked":
            body = b""
            while True:
                size = int(self.take_through(b"\r\n", deadline).split(b";")[0], 16)
                if size == 0:
                    self.take_through(b"\r\n", deadline)
                    return body
                body += self.take(size, deadline)
                assert self.take(2, deadline) == b"\r\n"
        length = response.header("Content-Length")
        assert length is not None, f"an answer without a length: {response}"
        return self.take(int(length), deadline)

    def is_closed(self, within: float = ANSWER_WITHIN) -> bool:
        """True once the server has ended the connection with nothing more to say."""
        try:
            self.more(Deadline(within))
        except PeerClosed as closed:
            return not closed.received
        return False

    def request(self, method: str, target: str, headers: dict | None = None,
                body: bytes = b"") -> Response:
        """One well-formed request and its answer."""
        fields = {"Host": "localhost", **(headers or {})}
        if body or method in ("POST", "PUT", "PATCH"):
            fields.setdefault("Content-Length", str(len(body)))
        head = f"{method} {target} HTTP/1.1\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self.send(head.encode("latin-1") + b"\r\n" + body)
        return self.read_response(to_head=method == "HEAD")


def parse_head(head: bytes) -> Response:
    """Status line and fields, read as strictly as a server should write them."""
    assert head.isascii(), f"octets beyond ASCII in the head of an answer: {head!r}"
    lines = head[:-4].decode().split("\r\n")
    version, status, reason = lines[0].split(" ", 2)
    assert version == "HTTP/1.1", lines[0]
    fields = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        assert colon and name and name == name.strip(), f"a field line that is none: {line!r}"
        fields.append((name, value.strip()))
    return Response(int(status), reason, version, fields, head=head)


def request(address: tuple[str, int], method: str, target: str, headers: dict | None = None,
            body: bytes = b"", tls: bool = False) -> Response:
    """One request on a connection of its own."""
    with Wire(address, tls) as wire:
        return wire.request(method, target, {"Connection": "close", **(headers or {})}, body)
