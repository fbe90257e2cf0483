"""The servers under measurement, as direct children, pinned to one core or inside callgrind.

    Program(...) ── start() ──▶ "… http://127.0.0.1:PORT …" ──▶ figures of /proc ──▶ stop()
    Profiled(...)  the same, and instrument(on) ─▶ zero() ─▶ dump() ─▶ Profile

Callgrind is told by vgdb, which comes with it, so that one run of a server is measured in as many
parts as we like and its start is in none of them.
"""

import os
import re
import signal
import subprocess
import time
from pathlib import Path

from support import tokens
from support.server import clean_environment

from .profile import Profile

READY_WITHIN = 120.0  # seconds; under callgrind on a loaded machine
ENDS_WITHIN = 30.0
LOOK_AGAIN = 0.02
# A server is idle when it takes less than this share of a core for so many seconds.
IDLE_SHARE, IDLE_WINDOW = 0.1, 0.3

# The core of the server, where there are two; the load has the other.
SERVER_CORE, LOAD_CORE = 0, 1

_ADDRESS = re.compile(r"(http|https|ws|wss)://[0-9.]+:(\d+)")


class ServerFailed(Exception):
    """A server did not start, or not end, or callgrind did not answer; the text has the log."""


class Program:
    """One server with one directory for what it writes."""

    def __init__(self, directory: Path, command: list[str],
                 environment: dict[str, str] | None = None, core: int | None = None):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.command = command
        self.environment = environment or {}
        self.core = core
        self.process: subprocess.Popen | None = None
        self.ports: dict[str, int] = {}

    def spawn(self) -> "Program":
        with open(self.directory / "stdout.log", "wb") as out, \
                open(self.directory / "stderr.log", "wb") as err:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                cwd=self.directory, env=clean_environment(self.environment),
                start_new_session=True, preexec_fn=self._pin)
        return self

    def _pin(self) -> None:
        if self.core is not None:
            os.sched_setaffinity(0, {self.core})

    def wait_ready(self) -> "Program":
        """Returns once it has said where it listens."""
        end = time.monotonic() + READY_WITHIN
        while True:
            text = (self.directory / "stdout.log").read_text(errors="replace")
            self.ports = {scheme: int(port) for scheme, port in _ADDRESS.findall(text)}
            if self.ports and text.endswith("\n"):
                return self
            if self.process.poll() is not None:
                raise ServerFailed(f"{self.command[0]} ended with {self.process.returncode}:\n"
                                   f"{self._log()}")
            if time.monotonic() > end:
                self.stop()
                raise ServerFailed(f"{self.command[0]} is not ready after {READY_WITHIN} s:\n"
                                   f"{self._log()}")
            time.sleep(LOOK_AGAIN)

    def start(self) -> "Program":
        return self.spawn().wait_ready()

    def port(self, tls: bool) -> int:
        return next(port for scheme, port in self.ports.items()
                    if scheme in (("https", "wss") if tls else ("http", "ws")))

    def stop(self) -> None:
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(ENDS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def resident_bytes(self) -> int:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def processor_seconds(self) -> float:
        """Of all its threads, user and system, to the nanosecond (proc(5), schedstat)."""
        total = 0
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def wait_idle(self) -> None:
        """Returns once it has done what it still had to do: next to no CPU time in a while."""
        end = time.monotonic() + READY_WITHIN
        before = self.processor_seconds()
        while True:
            time.sleep(IDLE_WINDOW)
            now = self.processor_seconds()
            if now - before < IDLE_SHARE * IDLE_WINDOW:
                return
            before = now
            if time.monotonic() > end:
                raise ServerFailed(f"{self.command[0]} is still busy after {READY_WITHIN} s")

    def _log(self) -> str:
        return (self.directory / "stderr.log").read_text(errors="replace")[-3000:]


class Profiled(Program):
    """A server inside callgrind, which counts nothing until it is told to."""

    def __init__(self, directory: Path, command: list[str],
                 environment: dict[str, str] | None = None):
        self.directory = directory
        self._dumps = directory / "callgrind.out"
        self._dump_count = 0
        super().__init__(
            directory,
            ["valgrind", "--tool=callgrind", "--instr-atstart=no",
             f"--callgrind-out-file={self._dumps}", f"--vgdb-prefix={directory}/vgdb",
             self._without_lines(command[0]), *command[1:]],
            environment)

    def _without_lines(self, binary: str) -> str:
        """A copy with names of functions but no line numbers: those that clang writes for C are
        newer than what Valgrind 3.19 reads, and some make it give up."""
        self.directory.mkdir(parents=True, exist_ok=True)
        copy = self.directory / Path(binary).name
        subprocess.run(["strip", "--strip-debug", "-o", str(copy), binary], check=True)
        return str(copy)

    def instrument(self, on: bool) -> None:
        self._tell("instrumentation", "on" if on else "off")

    def zero(self) -> None:
        self._tell("zero")

    def dump(self) -> Profile:
        """What was counted since the last dump or zero."""
        self._tell("dump")
        self._dump_count += 1
        return Profile.read(Path(f"{self._dumps}.{self._dump_count}"))

    def _tell(self, *words: str) -> None:
        told = subprocess.run(
            ["vgdb", f"--vgdb-prefix={self.directory}/vgdb", f"--pid={self.process.pid}", *words],
            capture_output=True, text=True, timeout=READY_WITHIN)
        if told.returncode != 0:
            raise ServerFailed(f"callgrind does not {' '.join(words)}:\n{told.stderr[-3000:]}")


class Binaries:
    """Commands of what was built, with settings that keep a measurement quiet."""

    # Seconds. Longer than any part that shall see no ping.
    SILENT_KEEP_ALIVE = 240
    # The floor hears every message on the default channels; ours shall hear others.
    CHANNEL_PREFIX = "gate-"

    def __init__(self, directory: Path, certificate: Path, key: Path, redis: str):
        self.directory = directory
        self.certificate, self.key, self.redis = str(certificate), str(key), redis

    def contoso(self) -> list[str]:
        """A notification pod with one loop; its data lies in the working directory."""
        return [str(self.directory / "contoso"), "serve", "--dev", "--roles", "notification",
                "--data", "data", "--http", "127.0.0.1:0", "--https", "127.0.0.1:0",
                "--cert", self.certificate, "--key", self.key, "--threads", "1"]

    def contoso_settings(self, keep_alive: int = SILENT_KEEP_ALIVE) -> dict[str, str]:
        """`keep_alive` in seconds, 1 to 240."""
        return {"CONTOSO_STATE": self.redis, "Jwt__SigningKey": tokens.SIGNING_KEY,
                "CONTOSO_HUB__CHANNEL_PREFIX": self.CHANNEL_PREFIX,
                "CONTOSO_HUB__KEEP_ALIVE": f"{keep_alive}s", "CONTOSO_HUB__CLIENT_TIMEOUT": "600s"}

    def echo_server(self, tls: bool) -> list[str]:
        secure = ["--tls", "--cert", self.certificate, "--key", self.key] if tls else []
        return [str(self.directory / "echo-server"), "--port", "0", *secure]

    def floor(self, tls: bool) -> list[str]:
        secure = ["--tls", self.certificate, self.key] if tls else []
        return [str(self.directory / "floor"), "--port", "0",
                "--redis", self.redis.removeprefix("redis://"), *secure]
