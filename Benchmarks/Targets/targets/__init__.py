"""The table of targets: what the server has to reach, measured beside the floor.

    scripts/bench-targets ─▶ __main__ ─▶ rows: bench against ours, the floor, ours, the floor, …
                                           └▶ servers: of the gate     ─▶ table, targets.json

Standard library only. It borrows the servers of Benchmarks/Gate, as those borrow the tests' Redis.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]

sys.path.insert(0, str(ROOT / "Benchmarks" / "Gate"))
