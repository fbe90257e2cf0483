"""echo-server as a direct child: HTTP and WebSocket of the platform with nothing on top."""

import os
import re
import subprocess
from pathlib import Path

from .certificate import Certificate
from .deadline import until
from .server import Address, binary

READY_WITHIN = 15.0
EXIT_WITHIN = 25.0


class EchoServer:
    """One echo server on a port of the kernel's choice; it must live until `end`."""

    def __init__(self, directory: Path, certificate: Certificate | None = None, *flags: str):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        tls = ["--tls", "--cert", str(certificate.certificate), "--key", str(certificate.key)
               ] if certificate else []
        self.is_tls = certificate is not None
        with open(self.output_path, "wb") as output:
            self.process = subprocess.Popen(
                [str(self.binary()), "--port", "0", *tls, *flags], stdin=subprocess.DEVNULL,
                stdout=output, stderr=subprocess.STDOUT, start_new_session=True)
        self.address: Address = until("echo-server listens", self._listening, READY_WITHIN)

    @staticmethod
    def binary() -> Path:
        return Path(os.environ.get("ECHO_BIN", binary().parent / "echo-server"))

    @property
    def output_path(self) -> Path:
        return self.directory / "output.log"

    def output(self) -> str:
        return self.output_path.read_text(errors="replace")

    def _listening(self) -> Address | None:
        assert self.process.poll() is None, self.output()
        found = re.search(r"listening on https?://([0-9.]+):(\d+)\n", self.output())
        return (found[1], int(found[2])) if found else None

    def end(self) -> None:
        died = self.process.poll()
        self.process.terminate()
        try:
            code = self.process.wait(EXIT_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it did not end:\n{self.output()[-3000:]}")
        assert died is None and code == 0, f"it ended with {code}:\n{self.output()[-3000:]}"
