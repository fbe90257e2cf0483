"""The load tool as its users run it: against a server that is not ours, and with servers it starts.

    bench --url http://…/hub         a small SignalR server on another library (support/foreign_hub)
    bench --connections N            Redis, pods and clients by itself; nothing is left of them
"""

import json
import os
import re
import signal
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import jsonschema
import pytest

from support.deadline import until
from support.foreign_hub import ForeignHub
from support.server import ROOT, binary, clean_environment

WITHIN = 60.0
SCHEMA = json.loads((ROOT / "Benchmarks" / "result.schema.json").read_text())


@pytest.fixture(scope="module")
def foreign():
    with ForeignHub() as hub:
        yield hub


def start(*arguments: str, cwd: Path | None = None) -> subprocess.Popen:
    return subprocess.Popen(
        [str(binary().with_name("bench")), *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=cwd,
        env=clean_environment({}))


def bench(*arguments: str, code: int = 0, cwd: Path | None = None) -> tuple[str, str]:
    """Runs it to its end; what it printed."""
    running = start(*arguments, cwd=cwd)
    try:
        out, err = running.communicate(timeout=WITHIN)
    finally:
        running.kill()
    assert running.returncode == code, f"{running.returncode}\n{out[-2000:]}\n{err[-2000:]}"
    return out, err


def result(*arguments: str) -> dict:
    """Of one run, which keeps to the published schema."""
    out, _ = bench(*arguments, "--quiet", "--output", "json")
    measured = json.loads(out)
    jsonschema.validate(measured, SCHEMA)
    return measured


def descendants(pid: int) -> set[int]:
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*"):
        try:
            children = {int(word) for word in (task / "children").read_text().split()}
        except OSError:
            continue
        found |= children.union(*(descendants(child) for child in children))
    return found


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


# A server that is not ours


def test_broadcasts_of_a_foreign_hub_reach_every_connection_once(foreign):
    negotiated = foreign.negotiations

    run = result("--url", foreign.url, "--connections", "20", "--publish", "invoke:Broadcast",
                 "--rate", "20", "--duration", "2s")

    figures = run["metrics"]
    assert foreign.negotiations - negotiated == 20
    assert figures["opened"] == 20 and figures["failed"] == figures["dropped"] == 0
    assert 35 <= figures["published"] <= 41
    assert figures["deliveries"] == 20 * figures["published"]
    assert figures["lost"] == figures["duplicates"] == figures["reordered"] == 0
    assert run["latencies"]["fanout"]["count"] == figures["deliveries_measured"]
    assert run["target"]["kind"] == "other" and run["errors"] == {}


def test_a_method_of_a_foreign_hub_is_an_echo(foreign):
    invoked = foreign.invocations

    run = result("--url", foreign.url, "--connections", "10", "--scenario", "echo",
                 "--echo", "hub", "--rate", "50", "--duration", "2s")

    # A whole run of the warm-up may lie before the count.
    assert run["latencies"]["echo"]["count"] <= foreign.invocations - invoked
    assert run["latencies"]["echo"]["count"] >= 90
    assert run["metrics"]["malformed"] == 0 and run["errors"] == {}


def test_a_server_that_negotiates_no_more_is_a_failed_run_that_says_why(foreign):
    _, err = bench("--url", foreign.url.replace("/hub", "/nowhere"), "--connections", "3",
                   "--duration", "1s", "--quiet", code=1)

    assert "404" in err and "negotiat" in err


def test_nobody_at_the_address_is_a_failed_run_that_names_it():
    _, err = bench("--url", "http://127.0.0.1:9/hub", "--connections", "3", "--duration", "1s",
                   "--quiet", code=1)

    assert "127.0.0.1:9" in err or "refused" in err.lower()


# Servers of its own


def test_alone_it_runs_pods_redis_and_clients_and_leaves_nothing(tmp_path):
    keep = tmp_path / "kept"
    running = start("--connections", "30", "--duration", "2s", "--keep", str(keep),
                    "--hdr-log", str(tmp_path / "run.hlog"))
    seen: set[int] = set()

    def is_over() -> bool:
        seen.update(descendants(running.pid))
        return running.poll() is not None
    until("the run is over", is_over, within=WITHIN)

    out, err = running.communicate()
    assert running.returncode == 0, err
    # Three pods, Redis, and the process that holds the connections.
    assert len(seen) >= 5
    assert not any(is_alive(pid) for pid in seen)
    assert re.search(r"lost +0\b", out) and re.search(r"duplicates +0\b", out)
    kept = [json.loads(path.read_text()) for path in keep.rglob("*.json")]
    assert kept
    for one in kept:
        jsonschema.validate(one, SCHEMA)
    log = (tmp_path / "run.hlog").read_text()
    assert "#[Histogram log format version 1.3]" in log
    assert sum(line.startswith("Tag=fanout,") for line in log.splitlines()) >= 2


def test_ctrl_c_ends_everything_it_has_started():
    running = start("--connections", "30", "--duration", "10m", "--quiet")
    try:
        until("pods, Redis and the clients are there",
              lambda: len(descendants(running.pid)) >= 5, within=WITHIN)
        seen = descendants(running.pid)

        running.send_signal(signal.SIGINT)

        running.communicate(timeout=WITHIN)
        assert running.returncode in (130, -signal.SIGINT)
        until("nothing of it is left", lambda: not any(is_alive(pid) for pid in seen), within=20)
    finally:
        running.kill()


def test_killed_outright_it_leaves_nothing_either():
    running = start("--connections", "30", "--duration", "10m", "--quiet")
    until("pods, Redis and the clients are there",
          lambda: len(descendants(running.pid)) >= 5, within=WITHIN)
    seen = descendants(running.pid)

    os.kill(running.pid, signal.SIGKILL)

    running.communicate(timeout=WITHIN)
    until("nothing of it is left", lambda: not any(is_alive(pid) for pid in seen), within=20)


def test_a_broken_threshold_is_exit_code_99(foreign):
    arguments = ["--url", foreign.url, "--connections", "2", "--scenario", "echo", "--echo", "hub",
                 "--duration", "500ms", "--quiet"]

    _, err = bench(*arguments, "--threshold", "echo.p50<1ns", code=99)
    bench(*arguments, "--threshold", "echo.p50<60s", "--threshold", "errors==0")

    assert "echo.p50" in err


# What was measured


def test_results_are_compared_with_the_floor_and_drawn(tmp_path):
    measured = tmp_path / "echo.json"
    out, _ = bench("--scenario", "echo", "--plain", "--floor", "--connections", "5",
                   "--duration", "1s", "--quiet", "--output", "json")
    measured.write_text(out)

    table, _ = bench("compare", "--floor", str(measured))
    bench("plot", str(measured), "-o", str(tmp_path / "echo.svg"))

    assert "echo" in table and "messages_per_second" in table
    picture = ElementTree.parse(tmp_path / "echo.svg").getroot()
    assert picture.tag.endswith("svg")
    assert "http" not in re.sub(r'xmlns(:\w+)?="[^"]*"', "", (tmp_path / "echo.svg").read_text())


@pytest.mark.parametrize("arguments, word", [
    (["--connections", "0"], "--connections"), (["--scenario", "nothing"], "--scenario"),
    (["--rate", "fast"], "--rate"), (["--threshold", "p99<"], "--threshold"),
    (["--colour"], "--colour"), (["compare", "one.json"], "two files")])
def test_a_wrong_command_line_is_exit_code_2_and_names_the_flag(arguments, word):
    _, err = bench(*arguments, code=2)

    assert word in err
