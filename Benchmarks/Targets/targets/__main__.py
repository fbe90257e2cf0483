"""The command line of the table; scripts/bench-targets builds and calls it."""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from gate.servers import Binaries, ServerFailed
from support.certificate import make_certificate
from support.engine import EngineFailed
from support.engines import RedisServer

from . import rows
from .duel import BenchFailed, Duel


def main() -> int:
    options = _options()
    try:
        figures = _measure(options)
    except (BenchFailed, ServerFailed, EngineFailed, OSError) as error:
        print(f"bench-targets: {error}", file=sys.stderr)
        return 1
    print(table(figures))
    if options.save:
        options.save.write_text(json.dumps(
            [vars(figure) | {"ratio": figure.ratio} for figure in figures], indent=1) + "\n")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/bench-targets",
        description="Measures the server beside the floor and prints the table of targets.")
    parser.add_argument("--binaries", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3, help="per row, of each server")
    parser.add_argument("--rows", default="", help="only parts with this in their name")
    parser.add_argument("--save", type=Path, help="write the figures as JSON too")
    return parser.parse_args()


def _measure(options: argparse.Namespace) -> list[rows.Figure]:
    parts = {
        "memory": rows.memory,
        "fan-out": lambda duel: rows.fan_out(duel, options.rounds),
        "sustained": lambda duel: rows.sustained(duel, options.rounds),
        "echo": lambda duel: rows.echo(duel, options.rounds),
        "handshakes": lambda duel: rows.handshakes(duel, options.rounds),
        "backplane": lambda duel: rows.backplane(duel, options.rounds),
        "order": lambda duel: rows.order(duel, options.rounds),
    }
    with tempfile.TemporaryDirectory(prefix="bench-targets-") as name:
        scratch = Path(name)
        certificate = make_certificate(scratch / "certificate")
        redis = RedisServer(scratch / "redis")
        redis.start()
        try:
            binaries = Binaries(options.binaries.absolute(), certificate.certificate,
                                certificate.key, redis.url)
            duel = Duel(scratch, binaries, redis.port)
            figures: list[rows.Figure] = []
            for part, work in parts.items():
                if options.rows not in part:
                    continue
                begin = time.monotonic()
                figures += work(duel)
                print(f"bench-targets: {part} in {time.monotonic() - begin:.0f} s",
                      file=sys.stderr)
            print(f"bench-targets: the host took at most {duel.disturbance:.0%} of a round that "
                  f"counts; {duel.dropped} rounds do not", file=sys.stderr)
            return figures
        finally:
            redis.terminate()


def table(figures: list[rows.Figure]) -> str:
    lines = ["| what | ours | floor | ratio | target | holds |", "|---|---|---|---|---|---|"]
    for figure in figures:
        lines.append(" | ".join((
            f"| {figure.name}", _number(figure.ours, figure.unit),
            _number(figure.floor, figure.unit), _number(figure.ratio, ""), figure.target,
            ("yes" if figure.holds else "**no**") + " |")))
    return "\n".join(lines)


def _number(value: float | None, unit: str) -> str:
    if value is None:
        return ""
    digits = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


if __name__ == "__main__":
    sys.exit(main())
