"""What the two kinds of tests have proven: the results of the suite, the log of `swift test`.

    results.json   {"N01": {"test_negotiate.py::…": "passed"}}
    swift.log      ✔ Test "a body that drips is cut" passed after 0.001 seconds.
"""

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from .cases import Case

PASSED, FAILED, MISSING, NOT_APPLICABLE = "passed", "failed", "missing", "n/a"
_WORST_FIRST = (FAILED, MISSING, PASSED)

# A name may hold the word that follows it, so it ends with its last quotation mark.
_LINE = re.compile(r'^\S+ +Test (?:"(?P<text>.+)"|`(?P<raw>.+)`(?:\(.*?\))?|(?P<plain>\w+)\(.*?\))'
                   r"(?: with \d+ test cases?)? (?P<outcome>passed|failed|skipped)\b")


def read_swift_log(text: str) -> dict[str, str]:
    """The outcome of every claim; of claims with one name in several suites the worst."""
    outcomes: dict[str, str] = {}
    for line in text.splitlines():
        if found := _LINE.match(line):
            name = found["text"] or found["raw"] or found["plain"]
            outcome = MISSING if found["outcome"] == "skipped" else found["outcome"]
            outcomes[name] = min(outcome, outcomes.get(name, PASSED), key=_WORST_FIRST.index)
    return outcomes


@dataclass
class Proof:
    wire: dict[str, dict[str, str]] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, marked: dict[str, list[str]], results: Path, swift_log: Path) -> "Proof":
        """A file that is not there proves nothing, nor does a run that left out a marked test."""
        ran = json.loads(results.read_text()) if results.exists() else {}
        wire = {case: {test: ran.get(case, {}).get(test, MISSING) for test in tests}
                for case, tests in marked.items()}
        return cls(wire, read_swift_log(swift_log.read_text(errors="replace"))
                   if swift_log.exists() else {})

    def of_wire(self, case: Case) -> str:
        outcomes = set(self.wire.get(case.id, {}).values())
        if FAILED in outcomes:
            return FAILED
        return PASSED if outcomes == {"passed"} else MISSING

    def of_claim(self, claim: str) -> str:
        return self.units.get(claim.partition(": ")[2], MISSING)

    def result(self, case: Case) -> str:
        """A case is as good as the worst of its proofs."""
        if not case.is_possible:
            return NOT_APPLICABLE
        results = [self.of_claim(claim) for claim in case.claims]
        results += [self.of_wire(case)] if case.needs_wire else []
        return min(results, key=_WORST_FIRST.index)

    def files(self, case: Case) -> list[str]:
        """The files whose tests prove the case."""
        return sorted({test.partition("::")[0] for test in self.wire.get(case.id, {})})
