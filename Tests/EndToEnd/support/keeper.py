"""Servers that outlive the command that started them: what scripts/up and scripts/down call.

    scripts/up ──▶ one keeper per server, detached ──▶ the server, its direct child
                        │ DIRECTORY/NAME.json: keeper, server, address
    scripts/down ──▶ SIGTERM ──▶ ends its server and itself; then its data goes

A keeper waits for its server, so that nothing is left of one that dies; a server is ended through
its keeper, by process id. `DIRECTORY/env` has the settings that reach what runs.
Usage: python3 -m support.keeper up|down|status DIRECTORY [NAME...]; standard library only.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from .engine import Engine, EngineFailed
from .engines import PostgresServer, RabbitServer, RedisServer

ENGINES = {"redis": RedisServer, "rabbitmq": RabbitServer, "postgres": PostgresServer}
# The variables that tell the program of each server, and those that tell the unit tests.
SETTINGS = {"redis": "CONTOSO_STATE", "rabbitmq": "CONTOSO_BROKER", "postgres": "CONTOSO_DATABASE"}
TEST_SETTINGS = {"redis": "CONTOSO_TEST_REDIS", "rabbitmq": "CONTOSO_TEST_RABBITMQ",
                 "postgres": "CONTOSO_TEST_POSTGRES"}
# The database of the program; the tests make their own beside it.
DATABASE = "contoso"

UP_WITHIN = 120.0
DOWN_WITHIN = 60.0
LOOK_AGAIN = 0.05


class Note:
    """What is known of one kept server: DIRECTORY/NAME.json."""

    def __init__(self, directory: Path, name: str):
        self.name = name
        self.home = directory / name
        self.path = directory / f"{name}.json"

    def read(self) -> dict | None:
        """The note if its keeper lives; a number that belongs to another process is no keeper."""
        try:
            note = json.loads(self.path.read_text())
        except (OSError, ValueError):
            return None
        return note if _began(note["keeper"]) == note["began"] else None

    def write(self, keeper: int, engine: Engine | None = None) -> None:
        """Without an engine: its keeper is starting it."""
        note = {"keeper": keeper, "began": _began(keeper)}
        if engine is not None:
            note |= {"server": engine.process.pid, "url": engine.url, "log": str(engine.log_path)}
        if isinstance(engine, PostgresServer):
            note["database"] = engine.database_url(DATABASE)
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps(note, indent=2) + "\n")
        draft.rename(self.path)


def up(directory: Path, names: list[str]) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    keepers: dict[str, subprocess.Popen] = {}
    for name in names:
        note = Note(directory, name)
        if note.read() is None:
            # What a killed keeper left behind.
            shutil.rmtree(note.home, ignore_errors=True)
            keepers[name] = _spawn_keeper(directory, name)
            note.write(keepers[name].pid)
    failed = False
    for name in names:
        note = _comes_up(Note(directory, name), keepers.get(name))
        complaint = directory / f"{name}.err"
        if note is None:
            print(complaint.read_text() or f"{name} does not come up", file=sys.stderr)
            failed = True
        else:
            word = "started" if name in keepers else "runs already"
            print(f"{name:9} {word}: {note['url']} (process {note['server']})")
            complaint.unlink(missing_ok=True)
    write_environment(directory)
    return 1 if failed else 0


def _spawn_keeper(directory: Path, name: str) -> subprocess.Popen:
    with open(directory / f"{name}.err", "wb") as complaints:
        return subprocess.Popen(
            [sys.executable, "-m", "support.keeper", "keep", str(directory), name],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=complaints,
            cwd=Path(__file__).resolve().parents[1], start_new_session=True)


def _comes_up(note: Note, keeper: subprocess.Popen | None) -> dict | None:
    """The note once its server runs; None if it does not. The keeper is nobody's child if another
    command started it."""
    end = time.monotonic() + UP_WITHIN
    while (known := note.read()) and "url" not in known and time.monotonic() < end:
        if keeper is not None and keeper.poll() is not None:
            return None
        time.sleep(LOOK_AGAIN)
    return known if known and "url" in known else None


def keep(directory: Path, name: str) -> int:
    """The keeper itself: until SIGTERM, or until its server ends."""
    signals = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
    # SIGCHLD is ignored unless it has a handler; a blocked signal waits for sigwait.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # Until the server runs, whatever ends us ends it on the way out.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    note = Note(directory, name)
    try:
        engine = ENGINES[name](note.home)
        engine.start()
        if isinstance(engine, PostgresServer):
            engine.create_database(DATABASE)
    except EngineFailed as reason:
        print(reason, file=sys.stderr)
        return 1
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    note.write(os.getpid(), engine)
    asked = False
    while engine.is_running and not asked:
        asked = signal.sigwait(signals) != signal.SIGCHLD
    engine.terminate()
    note.path.unlink(missing_ok=True)
    return 0


def down(directory: Path, names: list[str]) -> int:
    running = {name: note for name in names if (note := Note(directory, name).read())}
    for note in running.values():
        os.kill(note["keeper"], signal.SIGTERM)
    end = time.monotonic() + DOWN_WITHIN
    while left := [name for name, note in running.items() if _is_alive(note["keeper"])]:
        if time.monotonic() > end:
            print(f"down: {', '.join(left)} did not end in {DOWN_WITHIN} s", file=sys.stderr)
            return 1
        time.sleep(LOOK_AGAIN)
    for name in names:
        # Also what a killed keeper left behind.
        shutil.rmtree(Note(directory, name).home, ignore_errors=True)
        Note(directory, name).path.unlink(missing_ok=True)
    for name in running:
        print(f"{name:9} stopped")
    if not running:
        print("nothing runs")
    write_environment(directory)
    return 0


def status(directory: Path, names: list[str]) -> int:
    notes = {name: Note(directory, name).read() for name in names}
    for name, note in notes.items():
        print(f"{name:9} {note.get('url', 'is starting') if note else 'does not run'}")
    return 0 if all(notes.values()) else 1


def write_environment(directory: Path) -> None:
    """DIRECTORY/env for a shell to read, with what runs now; none if nothing does."""
    lines = []
    for name in ENGINES:
        note = Note(directory, name).read()
        if note and "url" in note:
            lines.append(f"export {SETTINGS[name]}={note.get('database', note['url'])}")
            lines.append(f"export {TEST_SETTINGS[name]}={note['url']}")
    path = directory / "env"
    path.write_text("\n".join(lines) + "\n") if lines else path.unlink(missing_ok=True)


def _began(pid: int) -> str | None:
    """When a process began, in ticks since the boot (proc(5)); with its number, its identity."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]


def _is_alive(pid: int) -> bool:
    return _began(pid) is not None


def main(arguments: list[str]) -> int:
    action = {"up": up, "down": down, "status": status, "keep": None}
    if len(arguments) < 2 or arguments[0] not in action:
        print(__doc__, file=sys.stderr)
        return 2
    directory, names = Path(arguments[1]).absolute(), arguments[2:] or list(ENGINES)
    unknown = [name for name in names if name not in ENGINES]
    if unknown:
        print(f"no such server: {', '.join(unknown)}; there are {', '.join(ENGINES)}",
              file=sys.stderr)
        return 2
    if arguments[0] == "keep":
        return keep(directory, names[0])
    return action[arguments[0]](directory, names)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
