"""The performance gate: what a delivery, an echo, a ping and an idle connection cost, as counts.

    scripts/perf-gate ─▶ __main__ ─┬▶ counts   instructions, allocations, retains, syscalls
                                   ├▶ memory   bytes per idle connection
                                   ├▶ ratio    CPU beside the floor's, interleaved
                                   └▶ verdict  against baselines.json ─▶ table, exit code

Standard library only. It borrows Redis, tokens and certificates from the black-box tests.
"""

import sys
from pathlib import Path

GATE = Path(__file__).resolve().parents[1]
ROOT = GATE.parents[1]

sys.path.insert(0, str(ROOT / "Tests" / "EndToEnd"))
