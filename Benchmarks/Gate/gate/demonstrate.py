"""Two demonstrations that the gate can be believed: it is silent when it should be, and only then.

    calm       ten runs of the same build ─▶ no alarm
    slowdown   a copy of the checkout + slowdown.patch ─▶ built ─▶ one run ─▶ an alarm

The patch lets every send of the server turn a loop; how often is chosen so that a delivery takes
10 % more instructions than its baseline.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

from . import GATE, ROOT, verdict

CALM_RUNS = 10
PATCH = GATE / "slowdown.patch"
SHARE = 0.10
# What one round of the loop of the patch takes at -O2: count in memory, load, compare, jump.
INSTRUCTIONS_PER_ROUND = 4

Measure = Callable[[Path], dict[str, float]]


def calm(measure: Measure, binaries: Path) -> int:
    """0 if none of the runs raises an alarm."""
    runs, alarms = [], 0
    for number in range(1, CALM_RUNS + 1):
        lines = verdict.judge(measure(binaries))
        worse = [line for line in lines if line.is_worse]
        alarms += bool(worse)
        runs.append(lines)
        print(f"run {number} of {CALM_RUNS}: " + ("no alarm" if not worse else "ALARM"), flush=True)
        if worse:
            print(verdict.table(worse), flush=True)
    print(_spread(runs))
    print(f"{alarms} of {CALM_RUNS} runs of the same build raised an alarm")
    return 1 if alarms else 0


def slowdown(measure: Measure, binaries: Path) -> int:
    """0 if the planted slowdown raises an alarm."""
    delivery = json.loads(verdict.PATH.read_text())["figures"]["broadcast.plain.instructions"]
    rounds = round(SHARE * delivery["baseline"] / INSTRUCTIONS_PER_ROUND)
    with tempfile.TemporaryDirectory(prefix="perf-gate-slowdown-") as name:
        copy = Path(name) / "checkout"
        _copy_checkout(copy)
        _run(["git", "apply", str(PATCH)], copy)
        print(f"building with {rounds} rounds of the loop in every send", flush=True)
        build = ["swift", "build", "-c", "release", "-Xcc", f"-DPLANTED_ROUNDS={rounds}"]
        _run([*build, "--product", "contoso"], copy)
        slow = Path(name) / "binaries"
        slow.mkdir()
        shutil.copy(copy / ".build" / "release" / "contoso", slow)
        for other in ("echo-server", "floor"):
            shutil.copy(binaries / other, slow)
        lines = verdict.judge(measure(slow))
    print(verdict.table(lines))
    worse = [line.name for line in lines if line.is_worse]
    print("alarm: " + ", ".join(worse) if worse else "the planted slowdown raised NO alarm")
    return 0 if worse else 1


def _copy_checkout(target: Path) -> None:
    """What git knows and what is new, as it is now; nothing that was built."""
    files = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for file in filter(None, files.split("\0")):
        if (ROOT / file).is_file():
            (target / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / file, target / file)


def _run(command: list[str], directory: Path) -> None:
    ended = subprocess.run(command, cwd=directory, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, text=True)
    if ended.returncode != 0:
        raise OSError(f"{' '.join(command)} ended with {ended.returncode}:\n{ended.stdout[-3000:]}")


def _spread(runs: list[list[verdict.Line]]) -> str:
    """Lowest and highest of every figure beside its limit."""
    rows = [f"{'figure':36}{'baseline':>10}{'lowest':>10}{'highest':>10}{'limit':>10}"]
    for lines in zip(*runs):
        values = [line.now for line in lines]
        cells = (lines[0].baseline, min(values), max(values), lines[0].limit)
        rows.append(f"{lines[0].name:36}" + "".join(f"{verdict.text(cell):>10}" for cell in cells))
    return "\n".join(rows)
