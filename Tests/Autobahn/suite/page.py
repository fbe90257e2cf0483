"""docs/AUTOBAHN.md: the verdict of a full run."""

from datetime import datetime, timezone

from .verdict import BEHAVIORS, Verdict

NAMES = {1: "Framing", 2: "Pings and pongs", 3: "Reserved bits", 4: "Opcodes", 5: "Fragmentation",
         6: "UTF-8", 7: "Closing handshake", 9: "Limits and speed", 10: "Auto-fragmentation",
         12: "Compression, five kinds of data", 13: "Compression, seven sets of parameters"}

TEXT = """# Autobahn

Written by `scripts/autobahn --full`, which `make conformance` runs; it keeps the suite's own HTML
reports in `.build/autobahn/ws/reports` and `.build/autobahn/wss/reports`.

The [Autobahn test suite](https://github.com/crossbario/autobahn-testsuite) is a WebSocket client that
tries RFC 6455 and RFC 7692 on a server. Ours is `echo-server`, which is the frame code of the product
with permessage-deflate on and messages of up to 16 MiB. Every case must be OK and end with a clean
close; three are informational, whatever a server does. CI runs sections 1 to 10 with every change.

{date}, autobahntestsuite {version}: **{result}**

| section | | cases | {heads} |
|---|---|---|{lines}|
{rows}
"""


def write(verdicts: dict[str, Verdict], version: str) -> str:
    """The page for the verdicts by transport."""
    failed = sum(len(verdict.failures) for verdict in verdicts.values())
    passed = sum(verdict.passed for verdict in verdicts.values())
    columns = [(transport, behavior) for transport in verdicts for behavior in BEHAVIORS]
    rows = []
    for number, name in NAMES.items():
        cells = [verdicts[transport].table.get(number, {}).get(behavior, 0)
                 for transport, behavior in columns]
        cases = sum(cells[:len(BEHAVIORS)])
        rows.append(f"| {number} | {name} | {cases} | " + " | ".join(map(str, cells)) + " |")
    return TEXT.format(
        date=datetime.now(timezone.utc).date().isoformat(), version=version,
        result=f"{passed} passed, {failed} failed",
        heads=" | ".join(f"{transport} {behavior}" for transport, behavior in columns),
        lines="|".join(["---"] * len(columns)), rows="\n".join(rows))
