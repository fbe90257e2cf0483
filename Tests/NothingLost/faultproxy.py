"""A TCP proxy that breaks links on purpose: one listening port per link, one mode per link.

    client ──▶ port ──┬─ up:   read ─▶ gate ─▶ lose │ trunc │ delay │ rate │ slice ─▶ server
                      └─ down: server ─▶ the same ─▶ client

The proxy runs in a process of its own, so that a busy load generator does not slow the links down.
`FaultProxy` hands out `Link`s; each call of a link is done when it returns.

    proxy = FaultProxy()
    link = proxy.link("accept-1.pg", ("127.0.0.1", 5432))
    connect to link.address; link.stall("down"); link.cut(); link.passes()

Modes hold until `passes`; `cut`, `fin` and `half` are moments. A connection that has lost bytes is
reset when its link passes again: what it would carry after the hole is not what was sent.
"""

import multiprocessing
import threading

from proxy_process import BOTH, DOWN, UP, Address, Counts, serve

__all__ = ["BOTH", "DOWN", "UP", "Counts", "FaultProxy", "Link"]


class Link:
    """The harness's end of one link. Thread-safe."""

    def __init__(self, proxy: "FaultProxy", name: str, address: Address):
        self.proxy, self.name, self.address = proxy, name, address

    @property
    def port(self) -> int:
        return self.address[1]

    def _call(self, method: str, *arguments):
        return self.proxy.call(self.name, method, *arguments)

    def passes(self) -> None:
        """The end of every fault."""
        self._call("passes")

    def refuse(self) -> None:
        """New connects are refused by the kernel; what is open goes on."""
        self._call("refuse")

    def hold(self) -> None:
        """New connects are taken and nothing happens, as by a frozen server."""
        self._call("hold")

    def cut(self) -> int:
        """Resets every open connection on both sides; returns how many there were."""
        return self._call("cut")

    def fin(self) -> int:
        """Closes every open connection as if both ends had wished it."""
        return self._call("fin")

    def half(self) -> int:
        """Ends the server's direction of every connection and leaves the client's open."""
        return self._call("half")

    def down(self) -> None:
        """Cut and refuse: the machine behind the link is gone."""
        self._call("refuse")
        self._call("cut")

    def stall(self, direction: str = BOTH) -> None:
        """Bytes of that direction stay where they are."""
        self._call("stall", direction)

    def lose(self, direction: str = BOTH) -> None:
        """Bytes of that direction vanish."""
        self._call("lose", direction)

    def delay(self, seconds: float, jitter: float = 0) -> None:
        self._call("slow", seconds, jitter, 0, 0)

    def rate(self, bytes_per_second: int) -> None:
        self._call("slow", 0, 0, bytes_per_second, 0)

    def slice(self, size: int = 1) -> None:
        """Bytes arrive in pieces of at most that size."""
        self._call("slow", 0, 0, 0, size)

    def slow(self, delay: float, bytes_per_second: int, size: int) -> None:
        """All three at once: a bad line."""
        self._call("slow", delay, 0, bytes_per_second, size)

    def trunc(self, count: int, direction: str = DOWN) -> None:
        """Every open connection is reset after `count` bytes more; later ones are not touched."""
        self._call("trunc", count, direction)

    def counts(self) -> Counts:
        return self._call("counts_now")


class FaultProxy:
    """The proxy's process. Use as a context or call `close`."""

    def __init__(self, seed: int = 0):
        # Forked: make the proxy before threads and other children.
        here, there = multiprocessing.get_context("fork").Pipe()
        self._pipe = here
        self._lock = threading.Lock()
        self._process = multiprocessing.get_context("fork").Process(
            target=serve, args=(there, here, seed), name="faultproxy", daemon=True)
        self._process.start()
        there.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def link(self, name: str, server: Address, port: int = 0) -> Link:
        """Opens a port that leads to `server`; 0: the kernel's choice."""
        return Link(self, name, self.call(None, "open", name, server, port))

    def call(self, link: str | None, method: str, *arguments):
        with self._lock:
            self._pipe.send((link, method, arguments))
            outcome, value = self._pipe.recv()
        if outcome == "error":
            raise RuntimeError(f"faultproxy: {link}.{method}: {value}")
        return value

    def close(self) -> None:
        if self._process.is_alive():
            self._pipe.close()
            self._process.join(5)
            self._process.kill()
            self._process.join()
