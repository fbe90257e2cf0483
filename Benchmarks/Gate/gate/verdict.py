"""What the figures say beside those of the repository: baselines.json, the table, the verdict.

    "broadcast.plain.instructions": {"baseline": 569, "percent": 3}
    "broadcast.plain.retains":      {"baseline": 0, "more": 0.02}

A figure may be `percent` and `more` above its baseline, both 0 if absent. Below is never a fault;
a figure that has left its limit downwards asks for a new baseline, or the gain could be lost again
without an alarm.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from . import GATE

PATH = GATE / "baselines.json"


@dataclass(frozen=True)
class Line:
    """One figure. Without a baseline it is new; without a value it was not measured."""
    name: str
    now: float | None
    baseline: float | None
    limit: float | None

    @property
    def is_worse(self) -> bool:
        return self.now is None or self.limit is None or self.now > self.limit

    @property
    def verdict(self) -> str:
        if self.now is None:
            return "NOT MEASURED"
        if self.limit is None:
            return "NO BASELINE"
        if self.is_worse:
            return "WORSE"
        return "better" if self.now < 2 * self.baseline - self.limit else "ok"


def judge(figures: dict[str, float], path: Path = PATH) -> list[Line]:
    """A line for every figure that was measured or should have been."""
    known = json.loads(path.read_text())["figures"]
    lines = []
    for name in {**known, **figures}:
        entry = known.get(name)
        baseline = limit = None
        if entry is not None:
            baseline = entry["baseline"]
            limit = baseline * (1 + entry.get("percent", 0) / 100) + entry.get("more", 0)
        lines.append(Line(name, figures.get(name), baseline, limit))
    return lines


def update(figures: dict[str, float], recorded: dict[str, str], path: Path = PATH) -> None:
    """New baselines; the limits stay as they are. One line per figure, so that a diff shows it."""
    content = json.loads(path.read_text())
    content["recorded"] = recorded
    for name, now in figures.items():
        content["figures"].setdefault(name, {"percent": 5})["baseline"] = _rounded(now)
    lines = [f"    {json.dumps(name)}: {json.dumps(dict(sorted(entry.items())))}"
             for name, entry in content["figures"].items()]
    path.write_text(f'{{\n  "recorded": {json.dumps(recorded)},\n  "figures": {{\n'
                    + ",\n".join(lines) + "\n  }\n}\n")


def changed_since_recorded(recorded: dict[str, str], path: Path = PATH) -> str:
    """What was another version when the baselines were made; empty if nothing was."""
    before = json.loads(path.read_text())["recorded"]
    return ", ".join(before[name] for name, now in recorded.items()
                     if name in before and before[name] != now)


def table(lines: list[Line]) -> str:
    rows = [("figure", "baseline", "now", "limit", "verdict")]
    rows += [(line.name, text(line.baseline), text(line.now), text(line.limit), line.verdict)
             for line in lines]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        f"{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  "
        f"{row[3]:>{widths[3]}}  {row[4]}" for row in rows)


def _rounded(value: float) -> float:
    """Whole from 100 on, else two digits behind the point. No work takes less than nothing: what
    is below 0, and what is next to it, is the noise of a slope."""
    if value >= 100:
        return round(value)
    return round(value, 2) if value >= 0.1 else 0


def text(value: float | None) -> str:
    """As the table has it."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{round(value, 2) + 0.0:.2f}"
