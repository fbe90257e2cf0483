"""CPU time of ours divided by that of the floor, for the same work in turns.

    ours, floor, ours, floor, …  ─▶  the least of each  ─▶  ratio

What the machine does to one it does to the other a moment later, and it only ever adds: the least of
many short rounds is nearest to what the work takes. User and kernel time of the server process, by
the nanosecond; the clients are on the other core where there is one.
"""

import os
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from . import load
from .servers import LOAD_CORE, SERVER_CORE, Binaries, Program

ROUNDS = 20
RECIPIENTS, MESSAGES = 400, 4
ECHO_CONNECTIONS, ECHOES = 100, 12


def measure(directory: Path, binaries: Binaries, redis_port: int) -> dict[str, float]:
    core = SERVER_CORE if os.cpu_count() > 1 else None
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {LOAD_CORE})
    try:
        figures = {}
        for tls in (False, True):
            name = "tls" if tls else "plain"
            here = directory / f"ratio-{name}"
            figures[f"floor.broadcast.{name}.cpu"] = _broadcast(
                here, binaries, redis_port, core, tls)
            figures[f"floor.echo.{name}.cpu"] = _echo(here, binaries, core, tls)
        return figures
    finally:
        os.sched_setaffinity(0, before)


def _broadcast(directory: Path, binaries: Binaries, redis_port: int, core: int | None,
               tls: bool) -> float:
    def work(server: Program, channel_prefix: str) -> Callable[[], None]:
        publisher = load.Publisher(redis_port, channel_prefix)
        clients = load.hub_clients(server.port(tls), tls, range(RECIPIENTS))
        # The last of them are not on the list before Redis has answered.
        server.wait_idle()
        stack.callback(lambda: [each.close() for each in (publisher, *clients)])
        return lambda: load.broadcast(publisher, clients, MESSAGES)

    with ExitStack() as stack:
        ours = Program(directory / "pod", binaries.contoso(), binaries.contoso_settings(),
                       core=core)
        floor = Program(directory / "floor", binaries.floor(tls), core=core)
        for server in (ours, floor):
            stack.callback(server.stop)
            server.start()
        return _ratio(ours, work(ours, binaries.CHANNEL_PREFIX),
                      floor, work(floor, "contoso-signalr"))


def _echo(directory: Path, binaries: Binaries, core: int | None, tls: bool) -> float:
    def work(port: int) -> Callable[[], None]:
        clients = [load.Client(port, tls) for _ in range(ECHO_CONNECTIONS)]
        stack.callback(lambda: [client.close() for client in clients])
        return lambda: load.echo(clients, ECHOES)

    with ExitStack() as stack:
        ours = Program(directory / "echo-server", binaries.echo_server(tls), core=core)
        floor = Program(directory / "echo-floor", binaries.floor(tls), core=core)
        for server in (ours, floor):
            stack.callback(server.stop)
            server.start()
        return _ratio(ours, work(ours.port(tls)), floor, work(floor.port(tls)))


def _ratio(ours: Program, our_work: Callable[[], None],
           floor: Program, floor_work: Callable[[], None]) -> float:
    def seconds(server: Program, work: Callable[[], None]) -> float:
        begin = server.processor_seconds()
        work()
        return server.processor_seconds() - begin

    our_work()
    floor_work()
    rounds = [(seconds(ours, our_work), seconds(floor, floor_work)) for _ in range(ROUNDS)]
    return min(our for our, _ in rounds) / min(its for _, its in rounds)
