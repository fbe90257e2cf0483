"""The faults: what each breaks, for how long, and how it shows that it met something.

    Step (from the plan) ──▶ fire ──▶ heal ──▶ evidence ──▶ faults.jsonl
                               ▲                   │
                               └───────────────────┘ met nothing: up to twice more
"""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from crowd import Crowd
from faultproxy import DOWN, UP
from ledger import Ledger
from scene import Scene, Step
from stage import Cluster, Stage

RECOVERED_WITHIN = 60.0


Fire = Callable[[Scene], None]
Targets = Callable[[Stage], list[str]]


@dataclass(frozen=True)
class Kind:
    """A fault of the catalogue. `seconds` is a range; `targets` are what it may hit."""
    name: str
    what: str
    seconds: tuple[float, float]
    targets: Targets
    fire: Fire
    # What nobody else may break meanwhile; by default the target.
    exclusive: tuple[str, ...] = ()


def _pods(role: str) -> Targets:
    return lambda stage: [pod.name for pod in stage.of_role(role)]


def _all_pods(stage: Stage) -> list[str]:
    return list(stage.pods)


def _only(name: str) -> Targets:
    return lambda stage: [name] if isinstance(stage, Cluster) else []


def _links(engine: str) -> Targets:
    return lambda stage: [link.name for link in stage.links_of(engine)]


def _kill_target(scene: Scene) -> None:
    scene.kill(scene.step.target)


def _kill_all_accept(scene: Scene) -> None:
    scene.kill(*(pod.name for pod in scene.stage.of_role("accept")))


def _engine(scene: Scene):
    names = {"pg": "postgres", "amqp": "rabbit", "redis": "redis"}
    return getattr(scene.stage, names[scene.step.target])


def _kill_engine(scene: Scene) -> None:
    engine = _engine(scene)
    with scene.on_links(scene.stage.links_of(scene.step.target)):
        scene.order_now()
        engine.kill()
        scene.lasts()
        engine.start()


def _wipe_redis(scene: Scene) -> None:
    engine = scene.stage.redis
    with scene.on_links(scene.stage.links_of("redis")):
        scene.order_now()
        engine.kill()
        for path in engine.directory.iterdir():
            if path.name.startswith("appendonly"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        scene.lasts()
        engine.start()


def _freeze_engine(scene: Scene) -> None:
    engine = _engine(scene)
    scene.order_now()
    engine.freeze()
    try:
        scene.lasts()
    finally:
        engine.thaw()
    scene.met("processes", 1)


def _kill_ingress(scene: Scene) -> None:
    scene.hits.append("ingress")
    drops, doubts = scene.crowd.drops, scene.crowd.doubts
    ingress = scene.stage.ingress
    if scene.random.random() < 0.5:
        ingress.reload(ingress.configuration)
        scene.lasts()
    scene.order_now()
    ingress.kill()
    scene.lasts()
    ingress.start()
    scene.met("hub connections", scene.crowd.drops - drops)
    scene.met("requests", scene.crowd.doubts - doubts)


def _end_connections(scene: Scene) -> None:
    """F9: by a reset, by an end, by half an end, by a network that is gone."""
    link = scene.stage.links[scene.step.target]
    with scene.on_links([link]):
        scene.order_now()
        way = scene.random.choice(["cut", "fin", "half", "down"])
        scene.ways.append(way)
        getattr(link, way)()
        if way in ("half", "down"):
            scene.lasts()


def _stall_answers(scene: Scene) -> None:
    """F10, F16: what was sent has its effect, and the answer never comes."""
    link = scene.stage.links[scene.step.target]
    with scene.on_links([link]):
        link.stall(DOWN)
        scene.order_now()
        scene.lasts()
        link.cut()


def _delay_commit(scene: Scene) -> None:
    """F16: the request itself hangs, and goes on after its client has tried elsewhere."""
    link = scene.stage.links[scene.step.target]
    with scene.on_links([link]):
        scene.order_now()
        link.stall(UP)
        scene.lasts()


def _commit_in_doubt(scene: Scene) -> None:
    _stall_answers(scene) if scene.random.random() < 0.7 else _delay_commit(scene)


def _truncate(scene: Scene) -> None:
    link = scene.stage.links[scene.step.target]
    with scene.on_links([link]):
        link.trunc(scene.random.choice([8, 60, 300, 4096]), scene.random.choice([UP, DOWN]))
        scene.order_now()
        scene.lasts()


def _bad_redis_link(scene: Scene) -> None:
    links = scene.stage.links_of("redis")
    with scene.on_links(links):
        way = scene.random.choice(["stall", "lose", "delay", "refuse"])
        scene.ways.append(way)
        for link in links:
            if way == "stall":
                link.stall()
            elif way == "lose":
                link.lose()
            elif way == "delay":
                link.delay(0.3, 0.1)
            else:
                link.down()
        scene.order_now()
        scene.lasts()


def _slow_links(scene: Scene) -> None:
    """F21: 20 kB/s, 200 ms, and cut into small pieces."""
    links = scene.stage.links_of(scene.step.target)
    with scene.on_links(links):
        for link in links:
            link.slow(0.2, 20_000, 1 if scene.random.random() < 0.5 else 64)
        scene.order_now()
        scene.lasts()


def _redis_commands(scene: Scene) -> None:
    """F14."""
    port = scene.stage.redis.port
    way = scene.random.choice(["subscribers", "flush", "memory"])
    scene.ways.append(way)
    scene.order_now()
    if way == "subscribers":
        _redis(port, "CLIENT", "KILL", "TYPE", "pubsub")
    elif way == "flush":
        _redis(port, "FLUSHALL")
    else:
        _redis(port, "CONFIG", "SET", "maxmemory", "1mb")
        scene.order_now()
        scene.lasts()
        _redis(port, "CONFIG", "SET", "maxmemory", "0")


def _redis(port: int, *words: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(f"*{len(words)}\r\n".encode() + b"".join(
            b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words))
        return connection.recv(4096)


def _sql_troubles(scene: Scene) -> None:
    """F17: sessions ended by the server, then a database that takes no writes."""
    stage = scene.stage
    scene.order_now()
    ended = stage.sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                      "WHERE datname = 'contoso' AND pid <> pg_backend_pid()")
    scene.met("sessions", int(ended.strip()))
    if scene.random.random() < 0.5:
        stage.sql("ALTER SYSTEM SET default_transaction_read_only = on", "postgres")
        stage.sql("SELECT pg_reload_conf()", "postgres")
        try:
            scene.order_now()
            scene.lasts()
        finally:
            stage.sql("SET default_transaction_read_only = off; "
                      "ALTER SYSTEM RESET default_transaction_read_only", "postgres")
            stage.sql("SELECT pg_reload_conf()", "postgres")


def _lock_rows(scene: Scene) -> None:
    """F18: another session holds the rows."""
    scene.order_now()
    stage = scene.stage
    stage.sql(f"BEGIN; LOCK TABLE \"Order\" IN SHARE ROW EXCLUSIVE MODE; "
              f"SELECT pg_sleep({scene.step.seconds:.1f}); COMMIT")


def _power_strip(scene: Scene) -> None:
    """F30: everything outside and one accept process at once."""
    stage = scene.stage
    engines = [stage.rabbit, stage.redis, stage.postgres]
    names = [stage.of_role("accept")[0].name]
    with scene.on_links(stage.links.values()):
        scene.hits += names
        scene.order_now()
        for engine in engines:
            engine.kill()
        for name in names:
            stage.pods[name].kill()
        scene.lasts()
        scene.random.shuffle(engines)
        for engine in engines:
            engine.start()
        for name in names:
            stage.pods[name].start_patiently()


CATALOGUE = {kind.name: kind for kind in [
    Kind("F1", "kill -9 of one accept process", (0, 3), _pods("accept"), _kill_target),
    Kind("F2", "kill -9 of all accept processes", (2, 2), _only("accept"), _kill_all_accept,
         ("accept-1", "accept-2")),
    Kind("F3", "kill -9 of a processor at work", (0, 3), _pods("process"), _kill_target),
    Kind("F4", "kill -9 of a notifier with users", (0, 3), _pods("notification"), _kill_target),
    Kind("F5", "SIGTERM and start", (0, 0), _all_pods, lambda scene: scene.drain(
        scene.step.target)),
    Kind("F6", "freeze of a process", (3, 12), _all_pods, lambda scene: scene.freeze(
        scene.step.target)),
    Kind("F7", "kill -9 of RabbitMQ", (3, 6), _only("amqp"), _kill_engine),
    Kind("F8", "freeze of RabbitMQ", (20, 20), _only("amqp"), _freeze_engine),
    Kind("F9", "a link to RabbitMQ ends", (2, 4), _links("amqp"), _end_connections),
    Kind("F10", "a link to RabbitMQ loses its answers", (5, 5), _links("amqp"), _stall_answers),
    Kind("F11", "a link to RabbitMQ ends in a frame", (1, 1), _links("amqp"), _truncate),
    Kind("F12", "kill -9 of Redis, back empty", (2, 2), _only("redis"), _wipe_redis),
    Kind("F13", "bad links to Redis", (5, 8), _only("redis"), _bad_redis_link),
    Kind("F14", "Redis drops, forgets, is full", (5, 10), _only("redis"), _redis_commands),
    Kind("F15", "kill -9 of PostgreSQL", (3, 3), _only("pg"), _kill_engine),
    Kind("F16", "a link to PostgreSQL hangs in a commit", (3, 3), lambda stage: [
        f"{pod.name}.pg" for pod in stage.of_role("accept") if stage.links], _commit_in_doubt),
    Kind("F17", "PostgreSQL ends sessions, refuses writes", (5, 5), _only("pg"), _sql_troubles),
    Kind("F18", "another session holds the orders", (2, 2), _only("pg"), _lock_rows),
    Kind("F19", "reload and kill of the ingress", (1, 1), _only("ingress"), _kill_ingress),
    Kind("F21", "slow links", (10, 10), lambda stage: [
        engine for engine in ("pg", "amqp", "redis") if stage.links], _slow_links),
    Kind("F24", "a processor frozen past its leases", (40, 40), lambda stage: [
        pod.name for pod in stage.of_role("process") if stage.links],
        lambda scene: scene.freeze(scene.step.target)),
    Kind("F30", "everything at once", (3, 8), _only("everything"), _power_strip,
         ("pg", "amqp", "redis", "accept-1")),
]}

# Not in the catalogue, because they last the whole run.
CONTINUOUS = {"F20": "clients that go away in a POST", "F22": "poison messages",
              "F23": "messages delivered again, double clicks, prying tabs"}


class Locks:
    """Keeps two faults from breaking the same thing."""

    def __init__(self):
        self._locks: dict[str, threading.Lock] = {}
        self._mutex = threading.Lock()

    @contextmanager
    def hold(self, names: Iterable[str]):
        with ExitStack() as stack:
            for name in sorted(set(names)):
                with self._mutex:
                    lock = self._locks.setdefault(name, threading.Lock())
                stack.enter_context(lock)
            yield


def fire(step: Step, stage: Stage, crowd: Crowd, ledger: Ledger, locks: Locks) -> Scene:
    """One step to its end and, until it has met something, twice more. Written to the ledger."""
    kind = CATALOGUE[step.fault]
    held = kind.exclusive or step.target.split(".")
    for _ in range(3):
        scene = Scene(stage, crowd, step)
        with locks.hold(held):
            scene.began = time.monotonic()
            try:
                kind.fire(scene)
            finally:
                scene.ended = time.monotonic()
                ledger.write("faults", fault=step.fault, target=step.target, began=scene.began,
                             ended=scene.ended, bites=scene.bite_count(), hits=scene.hits,
                             evidence=scene.evidence)
        if scene.bite_count():
            break
    return scene


def recovery(crowd: Crowd, healed: float) -> float:
    """Seconds from `healed` until an order that was posted later is told of."""
    deadline = time.monotonic() + RECOVERED_WITHIN
    while time.monotonic() < deadline:
        told = crowd.told_after(healed)
        if told is not None:
            return told - healed
        time.sleep(0.05)
    return RECOVERED_WITHIN
