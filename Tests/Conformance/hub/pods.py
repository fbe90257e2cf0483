"""Several servers of one hub, joined by a real Redis and one secret.

    clients ──▶ pod 0 ─┐
    clients ──▶ pod 1 ─┼─ redis-server
    clients ──▶ pod 2 ─┘
"""

import secrets
from pathlib import Path

import redis
from support.engines import RedisServer

from .process import HubServer


class Pods:
    def __init__(self, directory: Path, count: int, **options):
        self.redis = RedisServer(directory / "redis")
        self.redis_url = f"{self.redis.url}/0"
        secret = secrets.token_hex(32)
        self.servers = [HubServer(directory / f"pod-{number}", redis=self.redis_url, secret=secret,
                                  **options) for number in range(count)]

    def start(self) -> "Pods":
        self.redis.start()
        for server in self.servers:
            server.start()
        return self

    def __getitem__(self, number: int) -> HubServer:
        return self.servers[number]

    def keys(self) -> redis.Redis:
        """A connection of a stranger's client, which sees and publishes what the pods do."""
        return redis.Redis.from_url(self.redis_url)

    def prefix(self, connection_id: str) -> str:
        """What stands in front of the channels of a connection's hub."""
        with self.keys() as keys:
            channel, = keys.pubsub_channels(f"*:connection:{connection_id}")
        return channel.decode().removesuffix(f":connection:{connection_id}")

    def end(self) -> None:
        try:
            for server in self.servers:
                server.end()
        finally:
            self.redis.kill()
