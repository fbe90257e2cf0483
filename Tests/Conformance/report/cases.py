"""The cases, one per line of cases.tsv: id, how it is proven, what happens, unit tests, a note.

    how   wire        tests here that are marked with the id
          unit        the Swift tests that are named, "Suite: claim", with " | " between them
          wire+unit   both
          n/a         nothing could prove it; the note says why
"""

from dataclasses import dataclass
from pathlib import Path

CASES = Path(__file__).resolve().parents[1] / "cases.tsv"
WAYS = {"wire", "unit", "wire+unit", "n/a"}


@dataclass(frozen=True)
class Case:
    id: str
    how: str
    scenario: str
    claims: tuple[str, ...]
    note: str

    @property
    def needs_wire(self) -> bool:
        return self.how.startswith("wire")

    @property
    def is_possible(self) -> bool:
        return self.how != "n/a"


def read_cases(path: Path = CASES) -> list[Case]:
    """All cases in their order. A line that breaks the rules above is a ValueError."""
    lines = path.read_text().splitlines()[1:]
    cases = [_case(line) for line in lines]
    names = [case.id for case in cases]
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise ValueError(f"cases that stand twice: {twice}")
    return cases


def _case(line: str) -> Case:
    cells = line.split("\t")
    if len(cells) != 5:
        raise ValueError(f"not five cells: {line!r}")
    name, how, scenario, claims, note = cells
    named = tuple(filter(None, claims.split(" | ")))
    if how not in WAYS or not scenario:
        raise ValueError(f"{name}: {how!r} is no way to prove a case")
    if bool(named) != ("unit" in how) or any(": " not in claim for claim in named):
        raise ValueError(f"{name}: {how} does not fit the unit tests {claims!r}")
    if how == "n/a" and not note:
        raise ValueError(f"{name}: nothing says why it is not applicable")
    return Case(name, how, scenario, named, note)
