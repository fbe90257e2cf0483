"""Writes docs/CONFORMANCE.md, or only looks whether every case is accounted for.

    python3 -m report [--check] --marked MARKED --results RESULTS --swift-log LOG --page PAGE

Exit status 1 if a case has failed or has no evidence. Standard library only, so that a check needs
nothing installed but pytest, which says what is marked.
"""

import argparse
import json
import re
import sys
from pathlib import Path

from .cases import Case, read_cases
from .page import render
from .proof import FAILED, MISSING, Proof

ROOT = Path(__file__).resolve().parents[3]
_CLAIM = re.compile(r"func `([^`]+)`")


def claims_of_sources(root: Path = ROOT) -> set[str]:
    """Every "Suite: claim" that stands in a Swift test file, by the file's name."""
    found = set()
    for folder in ("HubTests", "WSTests", "BenchTests"):
        for path in (root / "Tests" / folder).rglob("*.swift"):
            suite = path.stem.partition("+")[0]
            found |= {f"{suite}: {claim}" for claim in _CLAIM.findall(path.read_text())}
    return found


def complaints(cases: list[Case], marked: set[str], claims: set[str]) -> list[str]:
    """What is not accounted for, one line each."""
    known = {case.id for case in cases}
    lines = [f"{name}: marked by a test, but no case" for name in sorted(marked - known)]
    for case in cases:
        if case.needs_wire and case.id not in marked:
            lines.append(f"{case.id}: no test is marked with it")
        if not case.needs_wire and case.id in marked:
            lines.append(f"{case.id}: a test is marked with it, but it is proven by {case.how}")
        lines += [f"{case.id}: there is no unit test {claim!r}" for claim in case.claims
                  if claim not in claims]
    return lines


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--marked", type=Path, required=True)
    parser.add_argument("--results", type=Path, required=True)
    parser.add_argument("--swift-log", type=Path, required=True)
    parser.add_argument("--page", type=Path, required=True)
    asked = parser.parse_args()

    cases = read_cases()
    marked = json.loads(asked.marked.read_text())
    wrong = complaints(cases, set(marked), claims_of_sources())
    if not asked.check:
        proof = Proof.read(marked, asked.results, asked.swift_log)
        asked.page.write_text(render(cases, proof))
        wrong += [f"{case.id}: {proof.result(case)}" for case in cases
                  if proof.result(case) in (FAILED, MISSING)]
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"{len(cases)} cases, {len(wrong)} complaints")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
