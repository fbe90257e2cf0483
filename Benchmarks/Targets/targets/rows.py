"""The rows of the table: a scenario, the figure that counts, and what it has to be.

A limit is a number for us alone, or a factor of the floor's figure in the same run.
"""

from collections.abc import Callable
from dataclasses import dataclass

from .duel import Duel, Side


@dataclass
class Figure:
    """One line of the table; `limit` is compared with `value`, or with value / floor."""
    name: str
    unit: str
    ours: float
    floor: float | None
    target: str
    holds: bool

    @property
    def ratio(self) -> float | None:
        return self.ours / self.floor if self.floor else None


def metric(name: str) -> Callable[[dict], float]:
    return lambda result: result["metrics"][name]


def latency(name: str, statistic: str, scale: float) -> Callable[[dict], float]:
    return lambda result: result["latencies"][name][statistic] / scale


def _at_most(name, unit, sides, figure, factor) -> Figure:
    ours, floor = (side.median(figure) for side in sides)
    return Figure(name, unit, ours, floor, f"<= {factor} x floor", ours <= factor * floor)


def _at_least(name, unit, sides, figure, factor) -> Figure:
    ours, floor = (side.median(figure) for side in sides)
    return Figure(name, unit, ours, floor, f">= {factor} x floor", ours >= factor * floor)


def _limit(name, unit, sides, figure, limit) -> Figure:
    ours, floor = (side.median(figure) for side in sides)
    return Figure(name, unit, ours, floor, f"<= {limit:g} {unit}", ours <= limit)


def _transport(tls: bool) -> str:
    return "TLS" if tls else "plain"


def memory(duel: Duel) -> list[Figure]:
    figures = []
    for tls, limit in ((False, 1536), (True, 16384)):
        # As many as one process may hold; long enough for two pings of each.
        sides = duel.hub(tls, 1, ["--scenario", "idle-hold", "--connections", "18000",
                                  "--duration", "35s"], fresh=True)
        name = f"idle connection, {_transport(tls)}, 18,000"
        figures.append(_limit(f"memory per {name}", "B", sides,
                              metric("server_bytes_per_connection"), limit))
        figures.append(_limit(f"CPU per second and {name}", "us", sides,
                              metric("server_idle_cpu_us_per_connection_second"), 1))
    return figures


def fan_out(duel: Duel, rounds: int) -> list[Figure]:
    figures = []
    cost = metric("server_cpu_us_per_delivery")
    for tls in (False, True):
        costs: dict[int, tuple[Side, Side]] = {}
        for connections, rate in ((1000, 20), (5000, 4), (18000, 1)):
            flags = ["--scenario", "fan-out", "--connections", str(connections),
                     "--rate", str(rate), "--duration", "10s"]
            costs[connections] = duel.hub(tls, rounds, flags)
        figures.append(_at_most(f"CPU per delivery, {_transport(tls)}, 5,000", "us", costs[5000],
                                cost, 1.15))
        few, many = (costs[count][0].median(cost) for count in (1000, 18000))
        floors = [costs[count][1].median(cost) for count in (1000, 18000)]
        figures.append(Figure(
            f"CPU per delivery, {_transport(tls)}, 18,000 / 1,000", "", many / few,
            floors[1] / floors[0], "<= 1.1", many / few <= 1.1))
        figures.append(_at_most(f"time to the last, {_transport(tls)}, 18,000", "ms", costs[18000],
                                latency("fanout_last", "p50", 1e6), 1.15))
    return figures


def sustained(duel: Duel, rounds: int) -> list[Figure]:
    sides = duel.hub(True, rounds, ["--scenario", "fan-out", "--connections", "5000",
                                    "--rate", "max", "--duration", "10s"])
    return [_at_least("deliveries per second, TLS, 5,000", "1/s", sides,
                      metric("deliveries_per_second"), 0.9)]


def echo(duel: Duel, rounds: int) -> list[Figure]:
    figures = []
    for tls in (False, True):
        sides = duel.raw(tls, rounds, ["--scenario", "echo", "--connections", "100",
                                       "--bytes", "64", "--duration", "4s"])
        figures.append(_at_least(f"echo, {_transport(tls)}, 64 B, 100", "1/s", sides,
                                 metric("messages_per_second"), 0.9))
    return figures


def handshakes(duel: Duel, rounds: int) -> list[Figure]:
    """A client's half costs more than the server's, so what one server thread could do is its CPU's
    inverse."""
    sides = duel.raw(True, rounds, ["--scenario", "tls-resumption", "--connections", "32",
                                    "--duration", "8s"])
    return [
        _at_least(f"TLS {kind} handshakes per second of one thread, P-256", "1/s", sides,
                  lambda result, kind=kind:
                      1e6 / result["metrics"][f"server_cpu_us_per_handshake_{kind}"], 0.95)
        for kind in ("full", "resumed")]


def backplane(duel: Duel, rounds: int) -> list[Figure]:
    """Beyond Redis, and beyond the floor: on a virtual machine waking two sleeping cores costs more
    than the work, and the floor has to wake them too."""
    sides = duel.hub(False, rounds, ["--scenario", "fan-out", "--connections", "1",
                                     "--rate", "500", "--duration", "10s"])
    return [_limit(f"PUBLISH to one client beyond Redis, {statistic}", "us", sides,
                   _beyond_redis(statistic), limit)
            for statistic, limit in (("p50", 60), ("p99", 500))]


def _beyond_redis(statistic: str) -> Callable[[dict], float]:
    """Redis's own way is to a plain subscriber in bench."""
    return lambda result: (result["latencies"]["fanout"][statistic]
                           - result["latencies"]["redis"][statistic]) / 1e3


def order(duel: Duel, rounds: int) -> list[Figure]:
    """From the intended time of the POST to the push; no floor does orders."""
    side = Side(duel.calm(rounds, lambda: duel.order(
        ["--scenario", "order", "--connections", "100", "--rate", "200", "--duration", "20s"])))
    return [
        Figure(f"order round trip at 200/s, embedded, {statistic}", "ms", value, None,
               f"<= {limit} ms", value <= limit)
        for statistic, limit in (("p50", 10), ("p99", 50))
        for value in [side.median(latency("order", statistic, 1e6))]
    ]
