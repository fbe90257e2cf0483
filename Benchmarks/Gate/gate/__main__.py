"""The command line of the gate; scripts/perf-gate builds and calls it."""

import argparse
import platform
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from support.certificate import make_certificate
from support.engine import EngineFailed
from support.engines import RedisServer

from . import ROOT, counts, demonstrate, memory, ratio, verdict
from .servers import Binaries, ServerFailed


def main() -> int:
    options = _options()
    try:
        if options.demonstrate:
            return getattr(demonstrate, options.demonstrate)(measure, options.binaries)
        figures = measure(options.binaries)
    except (ServerFailed, EngineFailed, OSError) as error:
        print(f"perf-gate: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if options.update:
        verdict.update(figures, recorded())
        print(f"perf-gate: {len(figures)} new baselines in {verdict.PATH.relative_to(ROOT)}")
    elif changed := verdict.changed_since_recorded(recorded()):
        print(f"perf-gate: the baselines were recorded with {changed}", file=sys.stderr)
    lines = verdict.judge(figures)
    print(verdict.table(lines))
    worse = sum(line.is_worse for line in lines)
    print(f"{len(lines) - worse} passed, {worse} failed, 0 skipped")
    return 1 if worse else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/perf-gate",
        description="Measures the release build against Benchmarks/Gate/baselines.json. "
        "Exit status: 0 within the limits, 1 worse, 2 nothing measured.")
    parser.add_argument("--binaries", type=Path, required=True,
                        help="measure what is built there, instead of building")
    parser.add_argument("--update", action="store_true",
                        help="make what is measured the new baselines; limits stay")
    parser.add_argument("--demonstrate", choices=["calm", "slowdown"],
                        help="calm: ten runs of the same build raise no alarm; "
                        "slowdown: a planted one of 10 %% does")
    return parser.parse_args()


def measure(binaries: Path) -> dict[str, float]:
    """Every figure, by name."""
    with tempfile.TemporaryDirectory(prefix="perf-gate-") as name:
        directory = Path(name)
        certificate = make_certificate(directory / "certificate")
        redis = RedisServer(directory / "redis")
        redis.start()
        try:
            built = Binaries(binaries.absolute(), certificate.certificate, certificate.key,
                             redis.url)
            figures: dict[str, float] = {}
            for part, work in (
                ("counts", lambda: counts.measure(directory, built, redis.port)),
                ("memory", lambda: memory.measure(directory, built)),
                ("ratio", lambda: ratio.measure(directory, built, redis.port)),
            ):
                begin = time.monotonic()
                figures |= work()
                print(f"perf-gate: {part} in {time.monotonic() - begin:.0f} s", file=sys.stderr)
            return figures
        finally:
            redis.terminate()


def recorded() -> dict[str, str]:
    """What the figures depend on beside our own code."""
    def first_line(*command: str) -> str:
        return subprocess.run(command, capture_output=True, text=True).stdout.split("\n")[0]
    return {"swift": first_line("swift", "--version"), "openssl": first_line("openssl", "version"),
            "libc": " ".join(platform.libc_ver()), "valgrind": first_line("valgrind", "--version")}


if __name__ == "__main__":
    # Ctrl-C and SIGTERM end the servers too, which are in sessions of their own.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
