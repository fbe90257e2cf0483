"""The command line: runs both transports side by side and ends with "N passed, N failed, N skipped".

Each transport has a wstest of its own, because one spends its time in Python and takes one core.
"""

import argparse
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from . import page
from .run import RunFailed, run
from .verdict import Verdict, counts, judge

ROOT = Path(__file__).resolve().parents[3]
OUTPUT = ROOT / ".build" / "autobahn"
PAGE = ROOT / "docs" / "AUTOBAHN.md"
TRANSPORTS = ["ws", "wss"]
# Ten times what it takes here: the suite's own time-outs are to end a case, not this one.
WITHIN, FULL_WITHIN = 600.0, 7200.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="autobahn")
    parser.add_argument("--server", type=Path)
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--skip", metavar="REASON")
    options = parser.parse_args()
    if options.skip:
        return _skip(options.skip, options.full)

    def attempt(transport: str) -> Verdict:
        within = FULL_WITHIN if options.full else WITHIN
        try:
            return judge(run(transport, options.server, OUTPUT, within, options.full), options.full)
        except RunFailed as error:
            return Verdict(failures=[str(error)])

    with ThreadPoolExecutor() as pool:
        verdicts = dict(zip(TRANSPORTS, pool.map(attempt, TRANSPORTS)))
    for transport, verdict in verdicts.items():
        print(f"autobahn: {transport}: {verdict.passed} passed, {len(verdict.failures)} failed")
        for failure in verdict.failures:
            print(f"FAILED autobahn {transport} {failure}")
    if options.full:
        PAGE.write_text(page.write(verdicts, _version()))
        print(f"autobahn: wrote {PAGE.relative_to(ROOT)}")
    failed = sum(len(verdict.failures) for verdict in verdicts.values())
    print(f"{sum(verdict.passed for verdict in verdicts.values())} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


def _skip(reason: str, full: bool) -> int:
    print("*" * 78)
    print(f"autobahn: skipped: {reason}")
    print("*" * 78)
    print(f"0 passed, 0 failed, {len(TRANSPORTS) * sum(counts(full).values())} skipped")
    return 0


def _version() -> str:
    requirement = (ROOT / "Tests" / "Autobahn" / "requirements.txt").read_text().splitlines()[-1]
    return requirement.partition("==")[2]


sys.exit(main())
