"""A start that must fail: one complaint that names the culprit, the right exit code, no trace."""

import json

from .server import run_to_end
from .tokens import SIGNING_KEY

# man 3 sysexits: EX_CONFIG, EX_UNAVAILABLE; 2 is a wrong command line.
USAGE, CONFIGURATION, UNAVAILABLE = {2}, {78}, {69}
FAILED = {1, 69, 78}
IDENTITY = {"Jwt__SigningKey": SIGNING_KEY, "Jwt__Issuer": "issuer", "Jwt__Audience": "audience"}


def refused(arguments: dict, codes: set[int], *words: str, dev: bool = True,
            environment: dict | None = None, within: float = 10.0) -> str:
    """Starts it, expects the end with one of those codes and one complaint with those words."""
    flags = [word for pair in arguments.items() for word in pair]
    code, out, err = run_to_end(["serve", *(["--dev"] if dev else []), *flags],
                                {**IDENTITY, **(environment or {})}, within)
    complaints = [line for line in err.splitlines() if not is_news(line)]
    assert code in codes, (code, err)
    assert len(complaints) == 1, err
    assert "contoso is ready" not in out
    for word in words:
        assert word.lower() in complaints[0].lower(), (word, complaints[0])
    for trace in ("Fatal error", "Stack dump", " at 0x", ".swift:", "precondition"):
        assert trace not in complaints[0]
    return complaints[0]


def is_news(line: str) -> bool:
    """A log record of what went well, or might deserve a look, before the start failed."""
    try:
        return json.loads(line)["level"] in ("debug", "info", "warning")
    except ValueError:
        return False
