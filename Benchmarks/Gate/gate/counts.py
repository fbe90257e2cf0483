"""What one more delivery, echo or ping costs: instructions, allocations, retains, system calls.

    cost of 30 messages to 250 connections ─┐
    cost of 30 messages to 50 connections ──┴▶ the slope is a delivery, the rest a broadcast

Two sizes of each work are counted, for the same time: the smaller one waits at its end. So what
does not grow with the work cancels out: timers, other threads, the moments at which callgrind began
and ended.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from . import load
from .profile import Profile
from .servers import Binaries, Profiled

MESSAGES = 30
FEW, MANY = 50, 250
ECHOES_FEW, ECHOES_MANY = 200, 4200
PING_ROUNDS = 4
KEEP_ALIVE = 1  # seconds: the shortest that there is
# Caches fill and lazy symbols are bound before anything is counted.
WARM_UP = 3


@dataclass(frozen=True)
class Cost:
    instructions: float
    allocations: float
    openssl_allocations: float
    retains: float
    syscalls: float

    @classmethod
    def of(cls, profile: Profile) -> "Cost":
        return cls(profile.instructions, profile.allocations(by_openssl=False),
                   profile.allocations(by_openssl=True), profile.reference_counts(),
                   profile.syscalls())

    def figures(self, prefix: str, tls: bool) -> dict[str, float]:
        figures = {f"{prefix}.instructions": self.instructions,
                   f"{prefix}.allocations": self.allocations,
                   f"{prefix}.retains": self.retains, f"{prefix}.syscalls": self.syscalls}
        if tls:
            figures[f"{prefix}.openssl_allocations"] = self.openssl_allocations
        return figures


def slope(few: Cost, many: Cost, work_between: int) -> Cost:
    """What one unit of work costs."""
    return Cost(*((getattr(many, name) - getattr(few, name)) / work_between
                  for name in Cost.__dataclass_fields__))


def measure(directory: Path, binaries: Binaries, redis_port: int) -> dict[str, float]:
    """All figures of this file. The servers start at the same time, because callgrind is slow."""
    pod = Profiled(directory / "pod", binaries.contoso(), binaries.contoso_settings())
    pinging = Profiled(directory / "pinging", binaries.contoso(),
                       binaries.contoso_settings(KEEP_ALIVE))
    echoing = {tls: Profiled(directory / f"echo-{tls}", binaries.echo_server(tls))
               for tls in (False, True)}
    servers = [pod, pinging, *echoing.values()]
    publisher = load.Publisher(redis_port, binaries.CHANNEL_PREFIX)
    figures: dict[str, float] = {}
    try:
        for server in servers:
            server.spawn()
        for server in servers:
            server.wait_ready()
        for tls in (False, True):
            figures |= _broadcast(pod, publisher, tls)
            figures |= _echo(echoing[tls], tls)
        figures |= _ping(pinging)
    finally:
        publisher.close()
        for server in servers:
            server.stop()
    return figures


def _broadcast(pod: Profiled, publisher: load.Publisher, tls: bool) -> dict[str, float]:
    clients = load.hub_clients(pod.port(tls), tls, range(MANY))
    # The last of them are not on the list before Redis has answered.
    pod.wait_idle()

    def work(messages: int) -> None:
        load.broadcast(publisher, clients, messages)

    many, seconds = _counted(pod, work, MESSAGES)
    _keep(pod, clients, FEW)
    few, _ = _counted(pod, work, MESSAGES, seconds)
    _keep(pod, clients, 0)
    delivery = slope(few, many, MESSAGES * (MANY - FEW))
    figures = delivery.figures(f"broadcast.{'tls' if tls else 'plain'}", tls)
    if not tls:
        # What a message costs before it goes to anybody.
        figures["broadcast.base.instructions"] = (
            few.instructions / MESSAGES - FEW * delivery.instructions)
    return figures


def _echo(server: Profiled, tls: bool) -> dict[str, float]:
    clients = [load.Client(server.port(tls), tls)]

    def work(messages: int) -> None:
        load.echo(clients, messages)

    many, seconds = _counted(server, work, ECHOES_MANY)
    few, _ = _counted(server, work, ECHOES_FEW, seconds)
    _keep(server, clients, 0)
    return slope(few, many, ECHOES_MANY - ECHOES_FEW).figures(
        f"echo.{'tls' if tls else 'plain'}", tls)


def _ping(pod: Profiled) -> dict[str, float]:
    """One ping to an idle client and one from it."""
    clients = load.hub_clients(pod.port(False), False, range(MANY))

    def work(rounds: int) -> None:
        load.answer_pings(clients, rounds)

    many, _ = _counted(pod, work, PING_ROUNDS, warm_up=1)
    _keep(pod, clients, FEW)
    few, _ = _counted(pod, work, PING_ROUNDS, warm_up=1)
    _keep(pod, clients, 0)
    return slope(few, many, PING_ROUNDS * (MANY - FEW)).figures("ping", False)


def _keep(server: Profiled, clients: list[load.Client], count: int) -> None:
    """Closes the others, and returns when the server has nothing more to do for them: channels of
    Redis are left long after the sockets are closed."""
    for client in clients[count:]:
        client.close()
    del clients[count:]
    server.wait_idle()


def _counted(server: Profiled, work: Callable[[int], None], count: int, seconds: float = 0,
             warm_up: int = WARM_UP) -> tuple[Cost, float]:
    """The cost of the work, and how long it was counted: for `seconds` at least. Only the work runs
    under instrumentation: connecting would take ten times as long."""
    server.instrument(True)
    work(warm_up)
    server.zero()
    begin = time.monotonic()
    work(count)
    elapsed = time.monotonic() - begin
    time.sleep(max(0.0, seconds - elapsed))
    cost = Cost.of(server.dump())
    server.instrument(False)
    return cost, elapsed
