"""The real engines behind one or more servers, used by one test: its own database, its own queues.

    Outside ─▶ settings ─▶ the servers of the test
        └────▶ rows (PostgreSQL), messages (RabbitMQ), keys (Redis), read with the clients of others

What is read and written here goes through psycopg, pika and redis-py, never through our own code,
so that both sides of the wire are not wrong in the same way. Queues keep their usual names in tests:
`order.accepted` means this test's queue for accepted orders.
"""

import itertools
import json
import logging
from contextlib import contextmanager
from decimal import Decimal

import pika
import psycopg
import redis
from psycopg.rows import dict_row

from .cluster import Backing
from .database import Tables
from .engine import Engine
from .engines import PostgresServer, RabbitServer, RedisServer

_numbers = itertools.count(1)
# It warns of every queue that does not exist, which is what is asked.
logging.getLogger("pika").setLevel(logging.CRITICAL)

ACCEPTED, PROCESSED = "order.accepted", "order.processed"
# More than any `queue.retries` of a test.
RETRY_QUEUES = 12


class Engines:
    """One of each server, started once for the whole run."""

    def __init__(self, directory):
        self.redis = RedisServer(directory / "redis")
        self.rabbit = RabbitServer(directory / "rabbitmq")
        self.postgres = PostgresServer(directory / "postgres")

    @property
    def all(self) -> list[Engine]:
        return [self.redis, self.rabbit, self.postgres]

    def start(self) -> "Engines":
        for engine in self.all:
            engine.spawn()
        for engine in self.all:
            engine.wait_ready()
        return self

    def stop(self) -> None:
        """Killed: nobody asks for their data again."""
        for engine in self.all:
            engine.kill()


class Outside(Tables):
    def __init__(self, engines: Engines):
        self.engines = engines
        number = next(_numbers)
        self.database = f"test_{number}"
        self.names = {queue: f"t{number}.{queue}" for queue in (ACCEPTED, PROCESSED)}
        engines.postgres.create_database(self.database)
        # Kept, because tests look again every few milliseconds.
        self._rows: psycopg.Connection | None = None
        self._messages: pika.BlockingConnection | None = None

    def close(self) -> None:
        if self._rows is not None:
            self._rows.close()
        if self._messages is not None and self._messages.is_open:
            self._messages.close()

    @property
    def backing(self) -> Backing:
        return Backing(self.engines.postgres.database_url(self.database),
                       self.engines.rabbit.url, self.engines.redis.url)

    @property
    def settings(self) -> dict[str, str]:
        return {**self.backing.settings, "CONTOSO_QUEUE__ACCEPTED": self.names[ACCEPTED],
                "CONTOSO_QUEUE__PROCESSED": self.names[PROCESSED]}

    # PostgreSQL

    def _run(self, sql: str, values: tuple) -> psycopg.Cursor:
        """On the kept connection; on a new one if the server has been away since."""
        sql = sql.replace("?", "%s") if values else sql
        if self._rows is not None:
            try:
                return self._rows.execute(sql, values)
            except psycopg.OperationalError:
                self._rows.close()
        self._rows = psycopg.connect(self.backing.database, row_factory=dict_row,
                                     autocommit=True, connect_timeout=5)
        return self._rows.execute(sql, values)

    def query(self, sql: str, *values) -> list[dict]:
        return self._run(sql, values).fetchall()

    def change(self, sql: str, *values) -> None:
        self._run(sql, values)

    def price(self, hundredths: int) -> Decimal:
        return Decimal(hundredths) / 100

    def waiting_events(self, queue: str) -> list[dict]:
        return super().waiting_events(self.names[queue])

    # RabbitMQ

    @contextmanager
    def channel(self):
        """A new channel; what it has taken and not acknowledged goes back when it closes."""
        try:
            channel = self._messages.channel()
        except (AttributeError, pika.exceptions.AMQPError):
            parameters = pika.URLParameters(self.engines.rabbit.url.removesuffix("/"))
            # Nobody serves heartbeats between two calls.
            parameters.heartbeat = 0
            self._messages = pika.BlockingConnection(parameters)
            channel = self._messages.channel()
        try:
            yield channel
        finally:
            if channel.is_open:
                channel.close()

    def real_name(self, queue: str) -> str:
        """`order.accepted.dlq` as the broker knows it."""
        base = next(base for base in self.names if queue.startswith(base))
        return self.names[base] + queue.removeprefix(base)

    def deliveries(self, queue: str) -> list[tuple[pika.BasicProperties, bytes]]:
        """What waits in a queue, oldest first; all of it goes back to where it was."""
        found = []
        with self.channel() as channel:
            if self._depth(channel, queue) is None:
                return []
            while True:
                method, properties, body = channel.basic_get(self.real_name(queue))
                if method is None:
                    return found
                found.append((properties, body))

    def messages(self, queue: str) -> list[dict]:
        return [json.loads(body) for _, body in self.deliveries(queue)]

    def events(self, queue: str) -> list[dict]:
        return self.waiting_events(queue) + self.messages(queue)

    def insert_message(self, queue: str, body, properties: pika.BasicProperties | None = None,
                       ) -> None:
        """Publishes as the .NET system does: durable queue without arguments, default exchange."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        with self.channel() as channel:
            channel.confirm_delivery()
            channel.queue_declare(self.real_name(queue), durable=True)
            channel.basic_publish("", self.real_name(queue), raw, mandatory=True,
                                  properties=properties or pika.BasicProperties(
                                      content_type="application/json", delivery_mode=2))

    def _depth(self, channel, queue: str) -> int | None:
        """Messages that are ready; None if there is no such queue, and then a channel less."""
        try:
            return channel.queue_declare(self.real_name(queue), passive=True).method.message_count
        except pika.exceptions.ChannelClosedByBroker as reason:
            if reason.reply_code != 404:
                raise
            return None

    def queue_depth(self, queue: str) -> int:
        with self.channel() as channel:
            return self._depth(channel, queue) or 0

    def dead_letters(self) -> int:
        return sum(self.queue_depth(f"{queue}.dlq") for queue in self.names)

    def is_quiet(self) -> bool:
        """No order is under way, no event waits; what is in a consumer's hands is not counted."""
        waits = any(self.queue_depth(queue) for queue in self.names) or any(
            self.queue_depth(f"{queue}.retry.{number}")
            for queue in self.names for number in self._retry_numbers(queue))
        return self.unpublished() == 0 and not waits

    def _retry_numbers(self, queue: str) -> list[int]:
        """The retry queues that exist: they are numbered from 0 or 1 without a gap."""
        found = []
        for number in range(RETRY_QUEUES):
            with self.channel() as channel:
                if self._depth(channel, f"{queue}.retry.{number}") is not None:
                    found.append(number)
                elif number > 0:
                    break
        return found

    # Redis

    def keys(self) -> redis.Redis:
        return redis.Redis.from_url(self.engines.redis.url, decode_responses=True)

    def forget_state(self, correlation: str) -> None:
        with self.keys() as keys:
            keys.delete(f"order:status:{correlation}", f"order:map:{correlation}")
