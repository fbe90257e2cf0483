"""One scenario of bench against two servers in turns.

    ours ─▶ bench ─▶ result.json      a server per run where memory counts, else one for all rounds
    floor ─▶ bench ─▶ result.json

A round counts if the host of a virtual machine did not take the cores away meanwhile; one that does
not count is repeated, and after too many the calmest are taken.
"""

import json
import os
import statistics
import subprocess
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from gate.servers import LOAD_CORE, SERVER_CORE, Binaries, Program
from support import tokens

HUB_PATH = "/hubs/order-status"
# Share of the machine's time that its host may take in a round that counts.
DISTURBANCE_MAX = 0.05
# Rounds are tried this many times as often as they are wanted.
PATIENCE = 2
# Seconds; the longest run opens 18,000 connections over TLS and holds them for 35 s.
ENDS_WITHIN = 420.0


class BenchFailed(Exception):
    """bench could not do a run; the text is what it said."""


@dataclass
class Side:
    """What one server gave, a result of bench per round."""
    results: list[dict] = field(default_factory=list)

    def median(self, figure) -> float:
        return statistics.median(figure(result) for result in self.results)


@dataclass
class Share:
    """The machine's time so far, and what its host had of it. Source: proc(5), /proc/stat."""
    stolen: int
    total: int

    @classmethod
    def now(cls) -> "Share":
        times = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return cls(stolen=times[7], total=sum(times))

    def stolen_since(self, before: "Share") -> float:
        return (self.stolen - before.stolen) / max(1, self.total - before.total)


class Duel:
    def __init__(self, scratch: Path, binaries: Binaries, redis_port: int):
        self.scratch, self.binaries, self.redis_port = scratch, binaries, redis_port
        self.count = 0
        # The worst of the rounds that were taken, and how many were not.
        self.disturbance, self.dropped = 0.0, 0

    def pod(self) -> Program:
        command = self.binaries.contoso() + ["--limits-connections", "19000"]
        settings = self.binaries.contoso_settings()
        # As delivered: pings count.
        del settings["CONTOSO_HUB__KEEP_ALIVE"], settings["CONTOSO_HUB__CLIENT_TIMEOUT"]
        return self._program("pod", command, settings)

    def echo_server(self, tls: bool) -> Program:
        return self._program("echo-server", self.binaries.echo_server(tls))

    def floor(self, tls: bool) -> Program:
        return self._program("floor", self.binaries.floor(tls))

    def _program(self, name: str, command: list[str], settings=None) -> Program:
        self.count += 1
        core = SERVER_CORE if os.cpu_count() > 1 else None
        return Program(self.scratch / f"{name}-{self.count}", command, settings, core=core)

    def hub(self, tls: bool, rounds: int, flags: list[str],
            fresh: bool = False) -> tuple[Side, Side]:
        """bench with `flags` against a pod and the floor's hub."""
        return self._rounds(
            lambda: self.pod(), self._hub_flags(Binaries.CHANNEL_PREFIX),
            lambda: self.floor(tls), self._hub_flags("contoso-signalr"),
            tls, rounds, flags, fresh)

    def raw(self, tls: bool, rounds: int, flags: list[str]) -> tuple[Side, Side]:
        """bench with `flags` against echo-server and the floor, without SignalR."""
        return self._rounds(lambda: self.echo_server(tls), [], lambda: self.floor(tls), [],
                            tls, rounds, flags, False)

    def order(self, flags: list[str]) -> dict:
        """bench with `flags` against all three services in one process, with its own engines."""
        command = [str(self.binaries.directory / "contoso"), "serve", "--dev", "--data", "data",
                   "--http", "127.0.0.1:0", "--https", "127.0.0.1:0", "--cert",
                   self.binaries.certificate, "--key", self.binaries.key, "--threads", "1"]
        server = self._program("orders", command, {"Jwt__SigningKey": tokens.SIGNING_KEY})
        server.core = None
        try:
            server.start()
            return self.bench(server, False,
                              ["--token-secret", tokens.SIGNING_KEY, *flags])
        finally:
            server.stop()

    def _hub_flags(self, prefix: str) -> list[str]:
        hub = "OrderNotification.Worker.Hubs.OrderStatusHub"
        return ["--publish", f"redis://127.0.0.1:{self.redis_port}",
                "--channel", f"{prefix}{hub}:all",
                "--token-secret", tokens.SIGNING_KEY]

    def _rounds(self, make_ours, our_flags, make_floor, floor_flags, tls, rounds, flags,
                fresh) -> tuple[Side, Side]:
        with ExitStack() as stack:
            servers: list[Program] = []

            def round_() -> tuple[dict, dict]:
                if not servers or fresh:
                    stack.close()
                    servers[:] = [make().start() for make in (make_ours, make_floor)]
                    for server in servers:
                        stack.callback(server.stop)
                ours, floor = servers
                return (self.bench(ours, tls, our_flags + flags),
                        self.bench(floor, tls, floor_flags + flags))
            results = self.calm(rounds, round_)
        ours, floor = zip(*results)
        return Side(list(ours)), Side(list(floor))

    def calm(self, rounds: int, measure) -> list:
        """What `measure` returned in the calmest of its calls, in their order."""
        tries: list[tuple[float, int, object]] = []
        for number in range(PATIENCE * rounds):
            before = Share.now()
            result = measure()
            tries.append((Share.now().stolen_since(before), number, result))
            if sum(stolen <= DISTURBANCE_MAX for stolen, _, _ in tries) == rounds:
                break
        taken = sorted(tries, key=lambda one: one[0])[:rounds]
        self.disturbance = max(self.disturbance, taken[-1][0])
        self.dropped += len(tries) - rounds
        return [result for _, _, result in sorted(taken, key=lambda one: one[1])]

    def bench(self, server: Program, tls: bool, flags: list[str],
              path: str = HUB_PATH) -> dict:
        url = f"{'wss' if tls else 'ws'}://127.0.0.1:{server.port(tls)}{path}"
        command = [str(self.binaries.directory / "bench"), "--url", url, "--quiet",
                   "--output", "json", "--server-pid", str(server.process.pid), *flags]
        if tls:
            command.append("--insecure")
        if os.cpu_count() > 1:
            command = ["taskset", "-c", str(LOAD_CORE), *command]
        done = subprocess.run(command, capture_output=True, text=True, timeout=ENDS_WITHIN)
        if done.returncode != 0:
            raise BenchFailed(f"{' '.join(command)}\n{done.stderr[-3000:]}")
        return json.loads(done.stdout)
