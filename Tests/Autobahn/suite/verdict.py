"""What the suite has found, against what we ask for: every case OK, strictly.

    OK             what the RFC asks for, and a clean close
    INFORMATIONAL  the RFC leaves it open; three cases are of that kind, whatever a server does
    NON-STRICT     allowed, and not as early as it could be: a failure here
"""

from dataclasses import dataclass, field

INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}
# Cases by section, of version 25.10.1.
COUNTS = {1: 16, 2: 11, 3: 7, 4: 10, 5: 20, 6: 145, 7: 37, 9: 54, 10: 1}
DEFLATE_COUNTS = {12: 90, 13: 126}

BEHAVIORS = ["OK", "INFORMATIONAL", "NON-STRICT", "FAILED"]


def section(case: str) -> int:
    return int(case.split(".")[0])


def counts(full: bool) -> dict[int, int]:
    """How many cases each section must have."""
    return {**COUNTS, **(DEFLATE_COUNTS if full else {})}


@dataclass
class Verdict:
    passed: int = 0
    # One line for each case that failed or is missing.
    failures: list[str] = field(default_factory=list)
    # Section -> behaviour -> cases.
    table: dict[int, dict[str, int]] = field(default_factory=dict)


def judge(cases: dict, full: bool) -> Verdict:
    """Judges the cases of one index.json."""
    verdict = Verdict()
    for case, result in sorted(cases.items(), key=lambda item: [int(n) for n in item[0].split(".")]):
        behavior, closing = result["behavior"], result["behaviorClose"]
        row = verdict.table.setdefault(section(case), dict.fromkeys(BEHAVIORS, 0))
        row[behavior if behavior in row else "FAILED"] += 1
        if _is_good(case, behavior, closing):
            verdict.passed += 1
        else:
            verdict.failures.append(f"{case}: {behavior}, close {closing}")
    for number, count in counts(full).items():
        present = sum(verdict.table.get(number, {}).values())
        verdict.failures += [f"section {number}: a case is missing"] * (count - present)
    return verdict


def _is_good(case: str, behavior: str, closing: str) -> bool:
    if case in INFORMATIONAL:
        return behavior == "INFORMATIONAL"
    return behavior == "OK" and closing == "OK"
