"""Which test proved which case, written down for scripts/conformance.

    @pytest.mark.case("N01", "N03") ──▶ {"N01": {"test_negotiate.py::…": "passed"}, …}

A test with several phases counts by its worst one.
"""

import json
from pathlib import Path

_WORST_FIRST = ("failed", "skipped", "passed")


class Evidence:
    def __init__(self, path: Path):
        self.path = path
        self.cases: dict[str, dict[str, str]] = {}

    def add(self, item, outcome: str) -> None:
        for marker in item.iter_markers("case"):
            for case in marker.args:
                tests = self.cases.setdefault(case, {})
                known = tests.get(item.nodeid, "passed")
                tests[item.nodeid] = min(known, outcome, key=_WORST_FIRST.index)

    def write(self) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.write_text(json.dumps(self.cases, indent=1, sort_keys=True) + "\n")
