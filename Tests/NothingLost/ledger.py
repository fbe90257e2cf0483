"""What the clients did and saw, one JSON object per line, each written before the next step.

    posts.jsonl    intend ─▶ (fsync) ─▶ POST ─▶ try      what was asked for, and each answer
    notes.jsonl    open ─▶ hear … ─▶ close               every connection, every note on it
    samples.jsonl  what a process used, how it answered its probes
    looks.jsonl    what a process said that it had counted
    faults.jsonl   what was broken, when, and what it hit
    remains.json   orders, outbox, queues, dead letters after everything was quiet; every start of
                   a process

All times `t` are seconds of the one CLOCK_MONOTONIC of the machine; `wall` is Unix time, for
comparison with what a database wrote. `History` is all of it read back; the judge sees nothing else.
"""

import asyncio
import json
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

ACCEPTED, PROCESSING, COMPLETED = 0, 1, 2
STATUSES = ["ACCEPTED", "PROCESSING", "COMPLETED"]

Lines = list[tuple[str, int]]


class Ledger:
    """The writing end. Thread-safe, except for `intend`, which belongs to one event loop."""

    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self._lock = threading.Lock()
        self._files = {name: open(directory / f"{name}.jsonl", "w")
                       for name in ("posts", "notes", "samples", "looks", "faults")}
        self._syncing: asyncio.Future | None = None
        self._waiting: list[asyncio.Future] = []

    def write(self, name: str, **record) -> None:
        record.setdefault("t", time.monotonic())
        line = json.dumps(record, separators=(",", ":")) + "\n"
        with self._lock:
            self._files[name].write(line)

    async def intend(self, key: str, user: str, lines: Lines, repeats: bool) -> None:
        """Returns when the line is on the disk: an order without such a line is an invention."""
        self.write("posts", intend=key, user=user, lines=lines, repeats=repeats)
        loop = asyncio.get_running_loop()
        mine = loop.create_future()
        self._waiting.append(mine)
        # One sync serves all who wait for it.
        if self._syncing is None:
            self._syncing = loop.create_task(self._sync())
        await mine

    async def _sync(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            served, self._waiting = self._waiting, []
            await loop.run_in_executor(None, self._sync_posts)
            for waiting in served:
                if not waiting.done():
                    waiting.set_result(None)
        self._syncing = None

    def _sync_posts(self) -> None:
        with self._lock:
            self._files["posts"].flush()
        os.fsync(self._files["posts"].fileno())

    def remains(self, **content) -> None:
        (self.directory / "remains.json").write_text(json.dumps(content, indent=1))

    def close(self) -> None:
        with self._lock:
            for file in self._files.values():
                file.close()


# The reading end


@dataclass
class Try:
    """One POST of an attempt."""
    via: str
    began: float
    ended: float
    # None: no complete answer.
    status: int | None
    order_id: int | None = None
    correlation: str | None = None
    # Why there is no answer; "aborted": the client went away on purpose.
    why: str | None = None

    @property
    def acknowledges(self) -> bool:
        return self.status in (200, 201)

    @property
    def is_in_doubt(self) -> bool:
        return self.status is None or self.status >= 500


@dataclass
class Attempt:
    """One order that a client wanted, under the name it made beforehand."""
    key: str
    user: str
    lines: Lines
    # The key went along as Idempotency-Key, and the POST was repeated until acknowledged.
    repeats: bool
    at: float
    tries: list[Try] = field(default_factory=list)

    @property
    def acknowledgements(self) -> list[Try]:
        return [one for one in self.tries if one.acknowledges]

    @property
    def may_exist(self) -> bool:
        return any(one.acknowledges or one.is_in_doubt for one in self.tries) or not self.tries


@dataclass
class Connection:
    number: int
    user: str
    node: str
    opened: float
    # None: open until the end.
    closed: float | None = None


@dataclass
class Note:
    connection: int
    correlation: str
    order_id: int | None
    status: int
    at: float
    wall: float
    # "push", or "answer" to a status query.
    how: str = "push"


@dataclass
class Fault:
    """One fault that was fired. `hits` are the processes that it froze or killed."""
    name: str
    target: str
    began: float
    ended: float
    bites: int
    hits: list[str] = field(default_factory=list)
    evidence: str = ""


@dataclass
class Sample:
    at: float
    process: str
    # Kilobytes, counts.
    rss: int
    descriptors: int
    threads: int
    # Answer of the liveness probe: a status, or None if there was none in time.
    live: int | None
    ready: int | None


@dataclass
class Life:
    """One start of one process, and all that this start counted."""
    process: str
    number: int
    # As on its command line: "accept,process".
    roles: str
    # Not later than its first instruction, not earlier than its last; None: it runs.
    began: float
    ended: float | None = None


@dataclass
class Look:
    """What one life had counted at some moment between `asked` and `answered`."""
    process: str
    life: int
    asked: float
    answered: float
    # Orders committed by the intake, POSTs answered from their key.
    accepted: int = 0
    repeated: int = 0
    # Orders completed, events of orders that had been completed before.
    processed: int = 0
    duplicates: int = 0
    dead: int = 0


@dataclass
class Remains:
    """What stands in the database and the broker after everything was quiet."""
    # id, correlation, user, status, lines, completed (Unix time or None)
    orders: list[dict] = field(default_factory=list)
    # user, key, order
    keys: list[dict] = field(default_factory=list)
    outbox: int = 0
    # Messages per queue, those that wait for a retry included.
    queues: dict[str, int] = field(default_factory=dict)
    # Fingerprints of the dead letters, and of what was poisoned on purpose.
    dead: list[str] = field(default_factory=list)
    poison: list[str] = field(default_factory=list)
    # When events of completed orders were put in once more, those that a queue has confirmed.
    repeats: list[float] = field(default_factory=list)
    lives: list[Life] = field(default_factory=list)
    # Unix time at the zero of the monotonic clock.
    clock: float = 0.0
    # Moments: first fault, all healed, quiet; None for a quiet that never came.
    first_fault: float | None = None
    healed: float | None = None
    quiet: float | None = None


@dataclass
class History:
    attempts: list[Attempt] = field(default_factory=list)
    connections: dict[int, Connection] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    remains: Remains = field(default_factory=Remains)


def read(directory: Path) -> History:
    history = History()
    _read_posts(history, directory)
    _read_notes(history, directory)
    for record in _records(directory / "faults.jsonl"):
        history.faults.append(Fault(
            record["fault"], record["target"], record["began"], record["ended"],
            record["bites"], record["hits"], record["evidence"]))
    for record in _records(directory / "samples.jsonl"):
        history.samples.append(Sample(
            record["t"], record["process"], record["rss"], record["descriptors"],
            record["threads"], record["live"], record["ready"]))
    for record in _records(directory / "looks.jsonl"):
        history.looks.append(Look(answered=record.pop("t"), **record))
    content = json.loads((directory / "remains.json").read_text())
    history.remains = Remains(**content)
    history.remains.lives = [Life(**life) for life in history.remains.lives]
    for order in history.remains.orders:
        order["lines"] = [tuple(line) for line in order["lines"]]
    return history


def fingerprint(user: str, lines) -> tuple:
    """What one order of a user can be told by: no two attempts of one user ask for the same."""
    return user, tuple(tuple(line) for line in lines)


def _read_posts(history: History, directory: Path) -> None:
    by_key: dict[str, Attempt] = {}
    for record in _records(directory / "posts.jsonl"):
        if "intend" in record:
            attempt = Attempt(record["intend"], record["user"],
                              [tuple(line) for line in record["lines"]], record["repeats"],
                              record["t"])
            by_key[attempt.key] = attempt
            history.attempts.append(attempt)
        else:
            by_key[record["try"]].tries.append(Try(
                record["via"], record["began"], record["t"], record["status"],
                record.get("id"), record.get("correlation"), record.get("why")))


def _read_notes(history: History, directory: Path) -> None:
    for record in _records(directory / "notes.jsonl"):
        if "open" in record:
            number = record["open"]
            history.connections[number] = Connection(
                number, record["user"], record["node"], record["t"])
        elif "close" in record:
            history.connections[record["close"]].closed = record["t"]
        else:
            history.notes.append(Note(
                record["hear"], record["correlation"], record["id"], record["status"],
                record["t"], record["wall"], record["how"]))


def _records(path: Path):
    with open(path) as file:
        for line in file:
            yield json.loads(line)
