"""One transport: echo-server on a free port, wstest against it, the reports it leaves.

    echo-server ──▶ "echo-server listening on https://127.0.0.1:PORT"
    wstest -s spec.json ──▶ reports/index.json, reports/index.html, one page per case

Both are direct children and are waited for. wstest's status says nothing: it is 0 whatever happened.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from pathlib import Path

AGENT = "echo-server"
SECTIONS = ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "9.*", "10.*"]
DEFLATE_SECTIONS = ["12.*", "13.*"]
# Section 9 sends messages of 16 MiB.
MESSAGE_MAX = "16MiB"
READY_WITHIN = 60.0
EXIT_WITHIN = 30.0


class RunFailed(Exception):
    """The suite could not be run."""


def run(transport: str, server: Path, output: Path, within: float, full: bool) -> dict:
    """The cases of `transport`, "ws" or "wss", as index.json has them: {"1.1.1": {...}, ...}."""
    directory = output / transport
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    with open(directory / "server.log", "wb") as log:
        child = subprocess.Popen(_server_arguments(transport, server, output, full),
                                 stdout=subprocess.PIPE, stderr=log)
    try:
        _run_suite(f"{transport}://{_address(child)}", output, directory, within, full)
        if child.poll() is not None:
            raise RunFailed(f"the server ended with {child.returncode} during the run")
    finally:
        _stop(child)
    index = directory / "reports" / "index.json"
    if not index.exists():
        raise RunFailed(f"wstest has written no report; see {directory}/wstest.log")
    return json.loads(index.read_text())[AGENT]


def _server_arguments(transport: str, server: Path, output: Path, full: bool) -> list[str]:
    arguments = [str(server), "--port", "0", "--message-max", MESSAGE_MAX]
    if transport == "wss":
        arguments += ["--tls", "--cert", str(output / "certificate" / "cert.pem"),
                      "--key", str(output / "certificate" / "key.pem")]
    return arguments + (["--deflate"] if full else [])


def _address(child: subprocess.Popen) -> str:
    # A server that says nothing is killed, which ends the read.
    watchdog = threading.Timer(READY_WITHIN, child.kill)
    watchdog.start()
    line = child.stdout.readline().decode()
    watchdog.cancel()
    match = re.search(r"https?://(\S+)", line)
    if not match:
        raise RunFailed(f"the server does not listen; it said {line!r}")
    return match[1]


def _run_suite(url: str, output: Path, directory: Path, within: float, full: bool) -> None:
    spec = {"outdir": "reports", "servers": [{"agent": AGENT, "url": url}],
            "cases": SECTIONS + (DEFLATE_SECTIONS if full else []),
            "exclude-cases": [], "exclude-agent-cases": {}}
    (directory / "spec.json").write_text(json.dumps(spec))
    wstest = (output / "suite" / "bin" / "wstest").resolve()
    with open(directory / "wstest.log", "wb") as log:
        try:
            subprocess.run([str(wstest), "-m", "fuzzingclient", "-s", "spec.json"], cwd=directory,
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=within,
                           env={**os.environ, "PYTHONPATH": ""})
        except subprocess.TimeoutExpired:
            raise RunFailed(f"wstest was not done after {within:.0f} s") from None


def _stop(child: subprocess.Popen) -> None:
    child.terminate()
    try:
        child.wait(EXIT_WITHIN)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
