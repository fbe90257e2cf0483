"""The server under test as a direct child, on a port of the kernel's choice.

    HubServer(directory) ── start() ──▶ "hub-server listening on http://…" ──▶ stop() | kill()

The child is ended by its process id and always waited for. HUB_SERVER_BIN names another binary
than the debug build.
"""

import os
import re
import signal
import subprocess
from pathlib import Path

from support.deadline import until

ROOT = Path(__file__).resolve().parents[3]
OUTPUT = ROOT / ".build" / "conformance"

READY_WITHIN = 15.0
EXIT_WITHIN = 15.0

_READY = re.compile(r"^hub-server listening on http://([0-9.]+):(\d+)$", re.MULTILINE)


def binary() -> Path:
    return Path(os.environ.get("HUB_SERVER_BIN", ROOT / ".build" / "debug" / "hub-server"))


class HubServer:
    """One server; it may be started again on the same port."""

    # Those that run now, so that a failed test can be reported with what they wrote.
    running: set["HubServer"] = set()

    def __init__(self, directory: Path, *, fast: bool = False, threads: int = 2,
                 redis: str | None = None, secret: str | None = None, port: int = 0):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.address = ("127.0.0.1", port)
        self.process: subprocess.Popen | None = None
        self._flags = ["--threads", str(threads)]
        self._flags += ["--fast"] if fast else []
        self._flags += ["--redis", redis] if redis else []
        self._flags += ["--secret", secret] if secret else []

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"

    @property
    def pid(self) -> int:
        return self.process.pid

    def start(self) -> "HubServer":
        assert self.process is None, "it runs already"
        with open(self._output("stdout"), "wb") as out, open(self._output("stderr"), "ab") as err:
            self.process = subprocess.Popen(
                [str(binary()), "--port", str(self.address[1]), *self._flags],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.directory,
                # Ctrl-C is for us, who then end it.
                start_new_session=True)
        HubServer.running.add(self)
        until(f"{self.directory.name} listens", self._is_ready_or_dead, READY_WITHIN)
        code = self.process.poll()
        assert code is None, f"it ended with {code} before it was ready:\n{self.complaints()}"
        return self

    def _is_ready_or_dead(self) -> bool:
        if self.process.poll() is not None:
            return True
        ready = _READY.search(self._output("stdout").read_text(errors="replace"))
        if ready is None:
            return False
        self.address = (ready[1], int(ready[2]))
        return True

    def stop(self, within: float = EXIT_WITHIN) -> int:
        """Asks it to end; its exit code."""
        self.ask_to_stop()
        return self.wait(within)

    def ask_to_stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)

    def kill(self) -> int:
        self.process.kill()
        return self.wait()

    def wait(self, within: float = EXIT_WITHIN) -> int:
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(
                f"it did not end within {within} s:\n{self.complaints()}") from None
        finally:
            self.process = None
            HubServer.running.discard(self)

    def end(self) -> None:
        """For the end of a test: it must still be alive and must end cleanly."""
        if self.process is None:
            return
        died = self.process.poll()
        code = self.wait() if died is not None else self.stop()
        assert died is None, f"it died with {code} during the tests:\n{self.complaints()}"
        assert code == 0, f"it ended with {code} after SIGTERM:\n{self.complaints()}"

    def complaints(self) -> str:
        """The end of what it wrote to stderr."""
        return self._output("stderr").read_text(errors="replace")[-3000:]

    def resident_byte_count(self) -> int:
        """The memory it holds now (proc(5), VmRSS)."""
        status = Path("/proc", str(self.pid), "status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1]) * 1024

    def _output(self, name: str) -> Path:
        return self.directory / f"{name}.log"
