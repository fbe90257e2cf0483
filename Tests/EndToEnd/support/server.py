"""The real binary as a direct child: started, watched, stopped, killed, waited for.

    Server(...) ── start() ──▶ "contoso is ready: http://… https://…" ──▶ stop() | kill() ──▶ code

The child is never detached and always waited for, so that its ports and its database are free when
`stop` or `kill` returns. Its two outputs go to files in its directory; CI keeps them.
"""

import json
import os
import re
import signal
import subprocess
import weakref
from pathlib import Path

from .certificate import Certificate
from .database import Database
from .deadline import Deadline, until
from .tokens import SIGNING_KEY

ROOT = Path(__file__).resolve().parents[3]
OUTPUT = ROOT / ".build" / "e2e"

READY_WITHIN = 15.0
EXIT_WITHIN = 25.0  # Orchestrators give 30 s.
ALL_ROLES = "accept,process,notification"

_URL = re.compile(r"(https?)://([0-9.]+):(\d+)")
# Settings of the machine that would change the server under test.
_FOREIGN_SETTING = re.compile(
    r"^(CONTOSO_|Jwt__|DevJwt__|ConnectionStrings__|RabbitMQ__|WorkflowState__|SignalR__"
    r"|ASPNETCORE_|DOTNET_|OTEL_|CRASH_AT$)", re.IGNORECASE)

Address = tuple[str, int]


def binary() -> Path:
    return Path(os.environ.get("CONTOSO_BIN", ROOT / ".build" / "debug" / "contoso"))


class Server:
    """One server with one data directory; it may be started again on the same ports."""

    # Those that were started and still matter to somebody.
    started: "weakref.WeakSet[Server]" = weakref.WeakSet()

    def __init__(self, directory: Path, certificate: Certificate | None, *,
                 roles: str = ALL_ROLES, environment: dict[str, str] | None = None, threads: int = 2, tls: bool = True):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.data = directory / "data"
        self.roles = roles
        self.environment = {"Jwt__SigningKey": SIGNING_KEY, "DevJwt__SigningKey": SIGNING_KEY,
                            **(environment or {})}
        self.certificate = certificate
        self.threads = threads
        self.tls = tls
        # The real engines behind it, where there are any.
        self.outside = None
        self.process: subprocess.Popen | None = None
        self.starts = 0
        # Port 0 at first: the kernel's choice. Then the same ports again.
        self.http: Address = ("127.0.0.1", 0)
        self.https: Address = ("127.0.0.1", 0)

    # Starting

    def arguments(self) -> list[str]:
        tls = ["--https", "none"]
        if self.tls:
            tls = ["--https", f"{self.https[0]}:{self.https[1]}",
                   "--cert", str(self.certificate.certificate),
                   "--key", str(self.certificate.key)]
        return ["serve", "--dev", "--roles", self.roles, "--data", str(self.data),
                "--http", f"{self.http[0]}:{self.http[1]}", "--threads", str(self.threads),
                *tls]

    def spawn(self, **environment: str) -> None:
        """Starts the process and returns at once; extra variables hold for this start only."""
        assert self.process is None, "it runs already"
        self.starts += 1
        Server.started.add(self)
        self.data.mkdir(exist_ok=True)
        with open(self.stdout_path, "wb") as out, open(self.stderr_path, "wb") as err:
            self.process = subprocess.Popen(
                [str(binary()), *self.arguments()], stdin=subprocess.DEVNULL, stdout=out,
                stderr=err, cwd=self.directory,
                # Ctrl-C is for us, who then end it; a second signal would cut its drain short.
                start_new_session=True,
                env=clean_environment({**self.environment, **environment}))

    def start(self, **environment: str) -> "Server":
        """Starts the process and returns once it has said that it is ready."""
        self.spawn(**environment)
        return self.wait_ready()

    def wait_ready(self) -> "Server":
        until(f"{self.directory.name} is ready", self._is_ready_or_dead, READY_WITHIN)
        if self.process.poll() is not None:
            code = self.wait()
            raise AssertionError(f"it ended with {code} before it was ready:\n{self.log()[-3000:]}")
        return self

    def _is_ready_or_dead(self) -> bool:
        if self.process.poll() is not None:
            return True
        text = self.stdout_path.read_text(errors="replace")
        if not text.endswith("\n"):
            return False
        for scheme, host, port in _URL.findall(text):
            setattr(self, scheme, (host, int(port)))
        return self.http[1] != 0

    # Ending

    def stop(self) -> int:
        """Asks it to end, as an orchestrator does; returns its exit code."""
        self.ask_to_stop()
        return self.wait()

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> int:
        """Ends it without a word; returns once the kernel has taken everything back."""
        self.process.kill()
        return self.wait()

    def wait(self, within: float = EXIT_WITHIN) -> int:
        """The exit code; negative for a signal. A server that does not end fails the test."""
        try:
            code = self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.process = None
            raise AssertionError(f"it did not end within {within} s:\n{self.log()[-3000:]}")
        self.process = None
        return code

    def end(self) -> None:
        """For the end of a test: it must still be alive and must end cleanly."""
        if self.process is None:
            return
        died = self.process.poll()
        code = self.wait() if died is not None else self.stop()
        assert died is None, f"it died with {code} during the test:\n{self.log()[-3000:]}"
        assert code == 0, f"it ended with {code} after SIGTERM:\n{self.log()[-3000:]}"

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    # What it wrote

    @property
    def stdout_path(self) -> Path:
        return self.directory / f"stdout.{self.starts}.log"

    @property
    def stderr_path(self) -> Path:
        return self.directory / f"stderr.{self.starts}.log"

    @property
    def database(self) -> Path:
        return self.data / "contoso.db"

    @property
    def records(self):
        """What it has promised and still has to do, wherever that is kept."""
        return self.outside or Database(self.database)

    def log(self) -> str:
        """What the latest start has written to stderr."""
        return self.stderr_path.read_text(errors="replace")

    def complaints(self) -> list[str]:
        """The last lines of the log that are no mere information."""
        return [line for line in self.log().splitlines() if '"level":"info"' not in line][-20:]

    def events(self) -> list[dict]:
        """The same as records; a line that is no JSON object fails the test."""
        return [json.loads(line) for line in self.log().splitlines() if line]


def clean_environment(settings: dict[str, str]) -> dict[str, str]:
    """The machine's environment without anything that configures the server, plus the settings."""
    machine = {name: value for name, value in os.environ.items()
               if not _FOREIGN_SETTING.match(name)}
    return {**machine, **settings}


def run_to_end(arguments: list[str], environment: dict[str, str] | None = None,
               within: float = 10.0) -> tuple[int, str, str]:
    """Runs the binary until it ends by itself: exit code, stdout, stderr."""
    deadline = Deadline(within)
    ended = subprocess.run([str(binary()), *arguments], stdin=subprocess.DEVNULL,
                           capture_output=True, timeout=deadline.left(), errors="replace",
                           env=clean_environment(environment or {}))
    return ended.returncode, ended.stdout, ended.stderr
