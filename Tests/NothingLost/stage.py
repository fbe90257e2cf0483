"""What is being tested: processes of the platform, the servers behind them, the links between.

    Embedded   one process with all roles, SQLite, no outside server
    Cluster    clients ─▶ ingress ─▶ accept ×2 ─┐
                      └─▶ (direct) ─▶ notification ×2 ├─ a link each ─▶ PostgreSQL, RabbitMQ, Redis
                                     process ×2 ─┘

Every child is ours and waited for. Observers (queries, counts, poison) go to the servers directly,
never through a link.
"""

import hashlib
import json
import os
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

from amqp import Broker, BrokerError
from faultproxy import FaultProxy, Link
from ledger import STATUSES, Life
from people import Target
from support.engine import HOST, free_port
from support.engines import NginxServer, PostgresServer, RabbitServer, RedisServer
from support.deadline import Deadline, until
from support.server import EXIT_WITHIN, READY_WITHIN, Server

# The exit code of a server whose dependency does not answer.
AWAY = 69
QUEUES = ["order.accepted", "order.processed"]


def fingerprint(queue: str, body: bytes) -> str:
    """What a dead letter can be told by; short, and readable where the body is."""
    return (f"{queue.removesuffix('.dlq')} {hashlib.sha256(body).hexdigest()[:12]} "
            f"{len(body)} octets {body[:60]!r}")


class Pod(Server):
    """One process of the platform."""

    def __init__(self, name: str, directory: Path, roles: str, engines: list[str]):
        super().__init__(directory, certificate=None, roles=roles, tls=False)
        self.name = name
        self.engines = engines
        self.http = (HOST, free_port())
        self.metrics = (HOST, free_port())
        self.lives: list[Life] = []

    def arguments(self) -> list[str]:
        return [*super().arguments(), "--hub-keep-alive", "5s", "--startup-wait", "10s",
                "--drain-file", str(self.directory / "draining"),
                "--metrics-listen", f"{self.metrics[0]}:{self.metrics[1]}", *self.engines]

    def spawn(self, **environment: str) -> None:
        began = time.monotonic()
        super().spawn(**environment)
        self.lives.append(Life(self.name, self.starts, self.roles, began))

    def wait(self, within: float = EXIT_WITHIN) -> int:
        try:
            return super().wait(within)
        finally:
            self.lives[-1].ended = time.monotonic()

    def start_patiently(self, within: float = 60.0) -> None:
        """Starts it as an orchestrator does: again and again while a dependency is away."""
        deadline = Deadline(within)
        while True:
            self.spawn()
            self.await_ready()
            if self.process.poll() is None:
                return
            code = self.wait()
            if code != AWAY or deadline.passed():
                raise AssertionError(f"{self.name} ended with {code}:\n{self.log()[-3000:]}")
            time.sleep(0.3)

    def await_ready(self) -> None:
        """Returns once it has said so, or has ended."""
        until(f"{self.name} is ready", self._is_ready_or_dead, 2 * READY_WITHIN)

    def usage(self) -> tuple[int, int, int] | None:
        """Resident kilobytes, descriptors, threads (proc(5)); None while it does not run."""
        process = self.process
        if process is None or process.poll() is not None:
            return None
        try:
            text = Path(f"/proc/{process.pid}/status").read_text()
            descriptors = len(os.listdir(f"/proc/{process.pid}/fd"))
        except OSError:
            return None
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        if "VmRSS" not in fields:
            return None
        return int(fields["VmRSS"].split()[0]), descriptors, int(fields["Threads"])


class Stage:
    """What both forms have in common; they differ in what is started and in how one looks inside."""

    def __init__(self, directory: Path):
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.pods: dict[str, Pod] = {}
        self.links: dict[str, Link] = {}
        # Set once something that the stage itself notices has gone wrong.
        self.accidents: list[str] = []

    def of_role(self, role: str) -> list[Pod]:
        return [pod for pod in self.pods.values() if role in pod.roles]

    def links_of(self, engine: str) -> list[Link]:
        """The links of all pods to one engine: "pg", "amqp", "redis"."""
        return [link for name, link in self.links.items() if name.endswith(f".{engine}")]

    def start(self) -> None:
        self.start_engines()
        self.start_pods()

    def start_engines(self) -> None:
        """Everything that the platform's own processes need."""

    def start_pods(self) -> None:
        for pod in self.pods.values():
            pod.start_patiently()

    def stop(self) -> None:
        """Every pod must still run and must end by itself with 0."""
        for pod in self.pods.values():
            try:
                pod.end()
            except AssertionError as failure:
                self.accidents.append(f"{pod.name}: {failure}")

    def post_targets(self) -> list[Target]:
        raise NotImplementedError

    def hub_targets(self) -> list[Target]:
        raise NotImplementedError

    # Looking inside

    def incomplete(self) -> int:
        """Orders that are not completed, and events that wait in the outbox."""
        raise NotImplementedError

    def order_count(self) -> int:
        raise NotImplementedError

    def depths(self) -> dict[str, int]:
        """Messages per queue, those that wait for a retry or are in a consumer's hands included,
        dead letters not."""
        raise NotImplementedError

    def dump(self) -> dict:
        """orders, keys, outbox, queues, dead: as `ledger.Remains` wants them."""
        raise NotImplementedError

    def publish(self, queue: str, body: bytes) -> None:
        """Puts a message into a queue behind the platform's back."""
        raise NotImplementedError

    def drop_unique_indexes(self) -> None:
        """For a negative control: what keeps an order from standing twice is gone."""
        raise NotImplementedError


# What both databases understand: names in quotes, as the schema has them.
_ORDERS = """
    SELECT o."Id", o."CorrelationId", o."Status", {completed}, c."ExternalCustomerId",
        (SELECT {lines} FROM "OrderItem" i JOIN "Product" p ON p."Id" = i."ProductId"
         WHERE i."OrderId" = o."Id")
    FROM "Order" o JOIN "Customer" c ON c."Id" = o."CustomerId"
    WHERE c."ExternalCustomerId" LIKE 'crowd-%' ORDER BY o."Id"
    """
_KEYS = """
    SELECT {columns} FROM "IdempotencyKey" k JOIN "Customer" c ON c."Id" = k."CustomerId"
    """
_INCOMPLETE = """
    SELECT (SELECT count(*) FROM "Order" o JOIN "Customer" c ON c."Id" = o."CustomerId"
            WHERE o."Status" <> 'COMPLETED' AND c."ExternalCustomerId" LIKE 'crowd-%')
        + (SELECT count(*) FROM "Outbox")
    """
_ORDER_COUNT = 'SELECT count(*) FROM "Order"'
_OUTBOX_COUNT = 'SELECT count(*) FROM "Outbox"'
_UNIQUE_INDEXES = ['DROP INDEX "UX_Order_CorrelationId"',
                   'DROP INDEX "UX_IdempotencyKey_CustomerId_Key"']


class Embedded(Stage):
    def __init__(self, directory: Path):
        super().__init__(directory)
        pod = Pod("contoso", directory / "contoso", "accept,process,notification", [])
        self.pods = {pod.name: pod}

    @property
    def pod(self) -> Pod:
        return self.pods["contoso"]

    def post_targets(self) -> list[Target]:
        return [Target("contoso", self.pod.http)]

    hub_targets = post_targets

    def _query(self, sql: str, *values) -> list[tuple]:
        with closing(sqlite3.connect(self.pod.database, timeout=10)) as connection, connection:
            return connection.execute(sql, values).fetchall()

    def incomplete(self) -> int:
        return self._query(_INCOMPLETE)[0][0]

    def order_count(self) -> int:
        return self._query(_ORDER_COUNT)[0][0]

    def depths(self) -> dict[str, int]:
        counts = dict(self._query("SELECT Queue, count(*) FROM QueueMessage "
                                  "WHERE Queue NOT LIKE '%.dlq' GROUP BY Queue"))
        return {queue: counts.get(queue, 0) for queue in {*QUEUES, *counts}}

    def dump(self) -> dict:
        rows = self._query(_ORDERS.format(
            completed='o."CompletedAt" / 1e6',
            lines='json_group_array(json_array(p."ExternalProductId", i."Quantity"))'))
        keys = self._query(_KEYS.format(columns='c."ExternalCustomerId", k."Key", k."OrderId"'))
        dead = self._query("SELECT Queue, Body FROM QueueMessage WHERE Queue LIKE '%.dlq'")
        return {"orders": [_order(*row[:5], json.loads(row[5])) for row in rows],
                "keys": [{"user": user, "key": key, "order": order} for user, key, order in keys],
                "outbox": self._query(_OUTBOX_COUNT)[0][0],
                "queues": self.depths(),
                "dead": [fingerprint(queue, bytes(body)) for queue, body in dead]}

    def publish(self, queue: str, body: bytes) -> None:
        self._query("INSERT INTO QueueMessage (Queue, Body) VALUES (?, ?)", queue, body)

    def drop_unique_indexes(self) -> None:
        for statement in _UNIQUE_INDEXES:
            self._query(statement)


def _order(order_id: int, correlation: str, status: str, completed: float | None, user: str,
           lines: list) -> dict:
    return {"id": order_id, "correlation": correlation, "user": user,
            "status": STATUSES.index(status), "completed": completed, "lines": lines}


_INGRESS = """
worker_processes 1;
pid nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi; scgi_temp_path scgi;
    map $$http_upgrade $$connection_upgrade { default upgrade; '' ''; }
    upstream accept { ACCEPT }
    upstream notification { NOTIFICATION }
    server {
        listen 127.0.0.1:$port backlog=4096;
        proxy_http_version 1.1;
        proxy_connect_timeout 1s;
        # A POST is not repeated to another pod: it may have had its effect.
        proxy_next_upstream error timeout;
        location /hubs/ {
            proxy_pass http://notification;
            proxy_set_header Upgrade $$http_upgrade;
            proxy_set_header Connection $$connection_upgrade;
            proxy_read_timeout 3600s; proxy_send_timeout 3600s; proxy_buffering off;
        }
        location / { proxy_pass http://accept; proxy_set_header Connection ''; }
    }
}
"""


class Cluster(Stage):
    """Each pod reaches each server over a link of its own, so that one pod can be cut off."""

    ROLES = {"accept-1": "accept", "accept-2": "accept", "process-1": "process",
             "process-2": "process", "notification-1": "notification",
             "notification-2": "notification"}

    def __init__(self, directory: Path, proxy: FaultProxy):
        super().__init__(directory)
        self.postgres = PostgresServer(directory / "postgres")
        self.rabbit = RabbitServer(directory / "rabbit")
        self.redis = RedisServer(directory / "redis")
        for name, roles in self.ROLES.items():
            for engine, server in (("pg", self.postgres), ("amqp", self.rabbit),
                                   ("redis", self.redis)):
                link = proxy.link(f"{name}.{engine}", (HOST, server.port), free_port())
                self.links[link.name] = link
            self.pods[name] = Pod(name, directory / name, roles, [
                "--database", f"postgres://postgres@{HOST}:{self.links[name + '.pg'].port}/contoso",
                "--broker", f"amqp://guest:guest@{HOST}:{self.links[name + '.amqp'].port}/",
                "--state", f"redis://{HOST}:{self.links[name + '.redis'].port}"])
        self.ingress = NginxServer(directory / "ingress", self._ingress_text())

    def _ingress_text(self) -> str:
        def servers(role: str) -> str:
            return " ".join(f"server {pod.http[0]}:{pod.http[1]} max_fails=1 fail_timeout=1s;"
                            for pod in self.of_role(role))
        return (_INGRESS.replace("ACCEPT", servers("accept"))
                .replace("NOTIFICATION", servers("notification")))

    def start_engines(self) -> None:
        for engine in (self.rabbit, self.postgres, self.redis):
            engine.spawn()
        for engine in (self.postgres, self.redis, self.rabbit):
            engine.wait_ready()
        self.sql("CREATE DATABASE contoso", database="postgres")

    def start_pods(self) -> None:
        super().start_pods()
        # Last: a process that it finds missing is left alone for a while.
        self.ingress.start()

    def stop(self) -> None:
        super().stop()
        for engine in (self.ingress, self.rabbit, self.postgres, self.redis):
            engine.terminate()

    def post_targets(self) -> list[Target]:
        ingress = Target("ingress", (HOST, self.ingress.port))
        return [*(Target(pod.name, pod.http) for pod in self.of_role("accept")), ingress, ingress]

    def hub_targets(self) -> list[Target]:
        return [*(Target(pod.name, pod.http) for pod in self.of_role("notification")),
                Target("ingress", (HOST, self.ingress.port))]

    # Looking inside

    def sql(self, text: str, database: str = "contoso", within: float = 60.0) -> str:
        """What psql prints, unaligned and without headers."""
        ended = subprocess.run(
            ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1",
             "-d", self.postgres.database_url(database)],
            # Over stdin, because statements of one -c are one transaction.
            input=text, capture_output=True, text=True, timeout=within)
        if ended.returncode != 0:
            raise RuntimeError(f"psql: {ended.stderr.strip()}")
        return ended.stdout

    def _count(self, text: str) -> int:
        return int(self.sql(text).strip())

    def incomplete(self) -> int:
        return self._count(_INCOMPLETE)

    def order_count(self) -> int:
        return self._count(_ORDER_COUNT)

    def depths(self) -> dict[str, int]:
        """Of all queues of the broker: the topology is the platform's affair."""
        text = self.rabbit.run("/usr/lib/rabbitmq/bin/rabbitmqctl", "-q", "--no-table-headers",
                               "list_queues", "name", "messages")
        counts = (line.split("\t") for line in text.splitlines() if line.strip())
        return {queue: int(count) for queue, count in counts if not queue.endswith(".dlq")}

    def dump(self) -> dict:
        rows = self.sql("SELECT json_build_array(a, b, c, d, e, f) FROM (" + _ORDERS.format(
            completed='extract(epoch FROM o."CompletedAt")',
            lines='json_agg(json_build_array(p."ExternalProductId", i."Quantity") '
                  'ORDER BY i."Id")') + ") q (a, b, c, d, e, f)")
        keys = self.sql(_KEYS.format(
            columns='json_build_array(c."ExternalCustomerId", k."Key", k."OrderId")'))
        dead = []
        with Broker((HOST, self.rabbit.port)) as broker:
            for queue in QUEUES:
                dead += [fingerprint(queue, body) for body in broker.take_all(f"{queue}.dlq")]
        return {"orders": [_order(*json.loads(line)) for line in rows.splitlines() if line],
                "keys": [dict(zip(("user", "key", "order"), json.loads(line)))
                         for line in keys.splitlines() if line],
                "outbox": self._count(_OUTBOX_COUNT),
                "queues": self.depths(), "dead": dead}

    def publish(self, queue: str, body: bytes) -> None:
        try:
            with Broker((HOST, self.rabbit.port)) as broker:
                broker.publish(queue, body)
        except BrokerError as error:
            raise RuntimeError(str(error)) from error

    def drop_unique_indexes(self) -> None:
        self.sql("; ".join(_UNIQUE_INDEXES))
