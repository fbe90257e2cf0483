"""One outside server as a direct child: started, watched, frozen, killed, restarted on its port.

    Engine(directory) ── start() ──▶ is_ready() ──▶ freeze() ⇄ thaw() | terminate() | kill() ─┐
                            ▲                                                                 │
                            └───────────────── same port, same data ◀─────────────────────────┘

The child is always waited for: a database that was killed and not reaped keeps its lock file, and
the next start refuses. What it wrote over all its starts is in DIRECTORY/NAME.log. Everything is
ended by process id, never by name, at the latest when this interpreter ends.
Standard library only, because scripts/up runs it without the tests' packages.
"""

import atexit
import os
import pwd
import random
import shutil
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path

HOST = "127.0.0.1"
LOG_TAIL = 3000
LOOK_AGAIN = 0.02
# One connection attempt of a readiness check.
PROBE_WITHIN = 1.0

_running: set["Engine"] = set()
_temporary: list[Path] = []


class EngineFailed(Exception):
    """A server is not installed, did not come up or did not end; the text has its last words."""


class Engine:
    """What all servers have in common; subclasses say how to start one and when it is ready."""

    name = "engine"
    # Seconds from the start of the process to its first answer, on a loaded machine.
    ready_within = 30.0
    # Seconds a server has to end by itself before it is killed.
    ends_within = 20.0
    # The account it runs as when we are root, for servers that refuse to be root.
    account: str | None = None

    def __init__(self, directory: Path, port: int | None = None):
        directory = Path(directory).absolute()
        directory.mkdir(parents=True, exist_ok=True)
        self.log_path = directory / f"{self.name}.log"
        self.directory = self._reachable(directory)
        self.port = port or free_port()
        self.process: subprocess.Popen | None = None
        self._log_begin = 0

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        """The variables of the child, beside those of the machine."""
        return {}

    def prepare(self) -> None:
        """Makes what the first start needs; called before every start."""

    def is_ready(self) -> bool:
        """Whether the server answers in its own protocol."""
        raise NotImplementedError

    # Starting

    def start(self) -> "Engine":
        """Starts the server; returns once it answers. EngineFailed with the log if it does not."""
        self.spawn()
        return self.wait_ready()

    def spawn(self) -> None:
        """Starts the server and returns at once."""
        assert self.process is None, f"{self.name} runs already"
        if not is_free(self.port):
            raise EngineFailed(f"{self.name}: port {self.port} of {HOST} is taken")
        self.prepare()
        self._log_begin = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                cwd=self.directory, env={**os.environ, **self.environment()},
                start_new_session=True, **self.run_as())
        _running.add(self)

    def wait_ready(self, within: float | None = None) -> "Engine":
        end = time.monotonic() + (within or self.ready_within)
        while not self._answers():
            code = self.process.poll()
            if code is not None:
                self._forget()
                raise EngineFailed(f"{self.name} ended with {code} while starting; {self._tail()}")
            if time.monotonic() > end:
                self.kill()
                raise EngineFailed(f"{self.name} does not answer on port {self.port} after "
                                   f"{within or self.ready_within} s; {self._tail()}")
            time.sleep(LOOK_AGAIN)
        return self

    def _answers(self) -> bool:
        try:
            return self.is_ready()
        except OSError:
            return False

    # Ending

    def terminate(self) -> int | None:
        """Asks the server to end and waits; one that does not is killed. The exit code."""
        if self.process is None:
            return None
        self.thaw()
        self.ask_to_end()
        try:
            self.process.wait(self.ends_within)
        except subprocess.TimeoutExpired:
            return self.kill()
        return self._forget()

    def ask_to_end(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> int | None:
        """SIGKILL to the server and all its helpers; returns when the kernel has taken them."""
        if self.process is None:
            return None
        family = self._family()
        for pid in family:
            _signal(pid, signal.SIGKILL)
        self.process.wait()
        end = time.monotonic() + self.ends_within
        while any(_is_alive(pid) for pid in family) and time.monotonic() < end:
            time.sleep(LOOK_AGAIN)
        return self._forget()

    def restart(self, kill: bool = False) -> "Engine":
        """Ends it, by SIGKILL if asked, and starts it again with the same port and data."""
        self.kill() if kill else self.terminate()
        return self.start()

    def freeze(self) -> None:
        """Stops every process of the server where it is; its connections stay open and silent."""
        for pid in self._family():
            _signal(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in self._family():
            _signal(pid, signal.SIGCONT)

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def _forget(self) -> int:
        code, self.process = self.process.returncode, None
        _running.discard(self)
        return code

    def _family(self) -> list[int]:
        """The server and its descendants, the server first."""
        family = [self.process.pid] if self.process else []
        children = _children()
        for pid in family:
            family += children.get(pid, [])
        return family

    # Where it lives

    def log(self) -> str:
        """What the latest start has written."""
        with open(self.log_path, "rb") as log:
            log.seek(self._log_begin)
            return log.read().decode(errors="replace")

    def _tail(self) -> str:
        return f"the end of {self.log_path}:\n{self.log()[-LOG_TAIL:]}"

    def run_as(self) -> dict:
        """How the child becomes its account; nothing if we are not root."""
        if self.account is None or os.geteuid() != 0:
            return {}
        try:
            entry = pwd.getpwnam(self.account)
        except KeyError:
            raise EngineFailed(f"{self.name}: there is no account {self.account}; is the package "
                               "installed? scripts/bootstrap --tests installs it") from None
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def own_directory(self, name: str) -> Path:
        """A directory below ours that belongs to the server's account."""
        path = self.directory / name
        path.mkdir(mode=0o700, exist_ok=True)
        account = self.run_as()
        if account:
            os.chown(path, account["user"], account["group"])
        return path

    def _reachable(self, directory: Path) -> Path:
        """The directory, or a temporary one if the server's account cannot walk to it."""
        parents = [directory, *directory.parents]
        if not self.run_as() or all(path.stat().st_mode & stat.S_IXOTH for path in parents):
            return directory
        elsewhere = Path(tempfile.mkdtemp(prefix=f"contoso-{self.name}-"))
        elsewhere.chmod(0o755)
        _temporary.append(elsewhere)
        return elsewhere

    def run(self, *command: str) -> str:
        """A helper program as the server's account, to its end; its output."""
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, cwd=self.directory, errors="replace",
                               env={**os.environ, **self.environment()}, **self.run_as())
        if ended.returncode != 0:
            raise EngineFailed(f"{' '.join(command)} ended with {ended.returncode}:\n"
                               f"{ended.stdout[-LOG_TAIL:]}")
        return ended.stdout

    def ask(self, question: bytes, port: int | None = None) -> bytes:
        """The first bytes that the server answers to a question; OSError if it does not."""
        with socket.create_connection((HOST, port or self.port), PROBE_WITHIN) as connection:
            connection.sendall(question)
            return connection.recv(512)


def free_port() -> int:
    """A free TCP port below those that the kernel gives to clients, so that no connection of ours
    takes it while the server is down."""
    lowest_of_clients = int(
        Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    numbers = random.SystemRandom()
    while True:
        port = numbers.randrange(max(10_000, lowest_of_clients - 20_000), lowest_of_clients)
        if is_free(port):
            return port


def is_free(port: int) -> bool:
    """Whether a server could listen there. What is left of closed connections does not count."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            return True
        except OSError:
            return False


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass


def _state(pid: str) -> tuple[str, int] | None:
    """State and parent of a process (proc(5)); None once it is gone."""
    try:
        fields = Path("/proc", pid, "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[1])


def _is_alive(pid: int) -> bool:
    """A zombie is dead: it waits for its parent only, and holds nothing."""
    state = _state(str(pid))
    return state is not None and state[0] not in "ZX"


def _children() -> dict[int, list[int]]:
    children: dict[int, list[int]] = {}
    for entry in os.listdir("/proc"):
        state = _state(entry) if entry.isdigit() else None
        if state is not None:
            children.setdefault(state[1], []).append(int(entry))
    return children


@atexit.register
def _end_all() -> None:
    for engine in list(_running):
        engine.kill()
    for directory in _temporary:
        shutil.rmtree(directory, ignore_errors=True)
