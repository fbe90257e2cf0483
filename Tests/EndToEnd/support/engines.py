"""The servers the platform is run against: Redis, RabbitMQ, PostgreSQL, nginx, HAProxy.

    RedisServer(dir).start().url       redis://127.0.0.1:PORT
    RabbitServer(dir).start().url      amqp://guest:guest@127.0.0.1:PORT/
    PostgresServer(dir).start().url    postgres://postgres@127.0.0.1:PORT/postgres
    NginxServer(dir, text).start()     a proxy with the given configuration

Each keeps what it acknowledged over kill -9: Redis appends to a file, PostgreSQL and RabbitMQ do by
nature. Each has a directory and ports of its own, so any number of them run beside each other.
Source: redis.conf; rabbitmq-server(8) and its "Configuration" guide (environment variables);
PostgreSQL 15 "Server Configuration", "The pg_hba.conf File"; PostgreSQL protocol 3.0 section 55.7.
"""

import os
import shutil
import signal
import struct
import subprocess
from pathlib import Path
from string import Template

from .engine import HOST, Engine, EngineFailed, free_port

# systemd has none of these on its path; Debian puts them there.
_PLACES = ["/usr/local/sbin", "/usr/sbin", "/usr/lib/rabbitmq/bin"]


def program(name: str, *more_places: str) -> str:
    """The full path of a server program."""
    found = shutil.which(name, path=os.pathsep.join(
        [*more_places, os.environ.get("PATH", os.defpath), *_PLACES]))
    if found is None:
        raise EngineFailed(f"{name} is not installed; scripts/bootstrap --tests installs it")
    return found


class RedisServer(Engine):
    name = "redis"

    def __init__(self, directory: Path, port: int | None = None, password: str = ""):
        super().__init__(directory, port)
        self.password = password

    @property
    def url(self) -> str:
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}{HOST}:{self.port}"

    def listening(self) -> list[str]:
        """Where it listens and whom it lets in, as arguments."""
        secret = ["--requirepass", self.password] if self.password else []
        return ["--port", str(self.port), *secret]

    def command(self) -> list[str]:
        return [program("redis-server"), "--bind", HOST, *self.listening(),
                "--dir", str(self.directory), "--appendonly", "yes", "--save", ""]

    def is_ready(self) -> bool:
        # While it reads its file it answers -LOADING.
        return self.ask(b"PING\r\n").startswith((b"+PONG", b"-NOAUTH"))


class RedisReplica(RedisServer):
    """Follows another one until it is told to lead."""

    def __init__(self, directory: Path, leader: RedisServer):
        super().__init__(directory)
        self.leader = leader

    def listening(self) -> list[str]:
        return [*super().listening(), "--replicaof", HOST, str(self.leader.port)]


class RedisSentinel(Engine):
    """One that decides alone, within a second, that a leader is gone; knows it as NAME."""

    name = "sentinel"
    NAME = "orders"

    def __init__(self, directory: Path, leader: RedisServer):
        super().__init__(directory)
        self.leader = leader

    @property
    def url(self) -> str:
        return f"redis+sentinel://{HOST}:{self.port}/{self.NAME}/0"

    @property
    def configuration(self) -> Path:
        return self.directory / "sentinel.conf"

    def prepare(self) -> None:
        # It keeps in this file what it has decided.
        if not self.configuration.exists():
            self.configuration.write_text(
                f"port {self.port}\nbind {HOST}\ndir {self.directory}\n"
                f"sentinel monitor {self.NAME} {HOST} {self.leader.port} 1\n"
                f"sentinel down-after-milliseconds {self.NAME} 1000\n"
                f"sentinel failover-timeout {self.NAME} 5000\n")

    def command(self) -> list[str]:
        return [program("redis-server"), str(self.configuration), "--sentinel"]

    def is_ready(self) -> bool:
        return self.ask(b"PING\r\n").startswith(b"+PONG")


class PostgresServer(Engine):
    """The role postgres needs no password; every other role must give one."""

    name = "postgres"
    account = "postgres"
    # version 3.0, user postgres, database postgres
    _WHO = b"user\0postgres\0database\0postgres\0\0"
    _HELLO = struct.pack("!ii", 8 + len(_WHO), 3 << 16) + _WHO
    # Who is let in: pg_hba.conf.
    access = (f"host all postgres {HOST}/32 trust\n"
              f"host all all {HOST}/32 scram-sha-256\n")

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def database_url(self, database: str, role: str = "postgres") -> str:
        """`role` may carry a password: "contoso:secret"."""
        return f"postgres://{role}@{HOST}:{self.port}/{database}"

    def create_database(self, name: str) -> str:
        """A new, empty database; its URL."""
        self.run(self._program("createdb"), "--host", HOST, "--port", str(self.port),
                 "--username", "postgres", name)
        return self.database_url(name)

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def _program(self, name: str) -> str:
        installed = Path("/usr/lib/postgresql").glob("*/bin")
        newest = sorted(installed, key=lambda path: float(path.parent.name), reverse=True)
        return program(name, *map(str, newest))

    def prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        self.own_directory("data")
        self.run(self._program("initdb"), "--pgdata", str(self.data), "--username", "postgres",
                 "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync")
        (self.data / "pg_hba.conf").write_text(self.access)

    def command(self) -> list[str]:
        settings = {"listen_addresses": HOST, "unix_socket_directories": "",
                    "max_connections": "200", "fsync": "on", "synchronous_commit": "on",
                    "timezone": "UTC"}
        return [self._program("postgres"), "-D", str(self.data), "-p", str(self.port),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]

    def ask_to_end(self) -> None:
        # SIGTERM waits for clients to leave; SIGINT sends them away ("fast shutdown").
        self.process.send_signal(signal.SIGINT)

    def is_ready(self) -> bool:
        # R: authentication; while it recovers it answers E.
        return self.ask(self._HELLO).startswith(b"R")


class RabbitServer(Engine):
    """A node of its own: own name service, own port between nodes, own home, no other plugin."""

    name = "rabbitmq"
    account = "rabbitmq"
    ready_within = 90.0
    ends_within = 30.0

    def __init__(self, directory: Path, port: int | None = None, management: bool = False):
        super().__init__(directory, port)
        self.names_port = free_port()
        self.distribution_port = free_port()
        self.management_port = free_port() if management else None
        self._names: subprocess.Popen | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{HOST}:{self.port}/"

    def listening(self) -> list[str]:
        """Where it listens and whom it lets in, as lines of its configuration."""
        return [f"listeners.tcp.1 = {HOST}:{self.port}"]

    @property
    def home(self) -> Path:
        return self.directory / "home"

    def prepare(self) -> None:
        self.own_directory("home")
        plugins = "rabbitmq_management" if self.management_port else ""
        lines = [*self.listening(), "disk_free_limit.absolute = 50MB",
                 "log.console = true", "log.console.level = info"]
        if self.management_port:
            lines += [f"management.tcp.ip = {HOST}", f"management.tcp.port = {self.management_port}"]
        (self.directory / "rabbitmq.conf").write_text("\n".join(lines) + "\n")
        (self.directory / "enabled_plugins").write_text(f"[{plugins}].\n")

    def environment(self) -> dict[str, str]:
        home = str(self.home)
        return {
            "HOME": home,
            "ERL_EPMD_ADDRESS": HOST, "ERL_EPMD_PORT": str(self.names_port),
            "RABBITMQ_NODENAME": f"contoso{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": HOST, "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.distribution_port),
            "RABBITMQ_MNESIA_BASE": f"{home}/mnesia", "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_LOGS": "-", "RABBITMQ_PID_FILE": f"{home}/pid",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{home}/config",
            "RABBITMQ_PLUGINS_EXPAND_DIR": f"{home}/plugins",
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(self.directory / "enabled_plugins"),
            # With this the start script becomes the node instead of waiting for it, so that the
            # child we kill is the node; -noinput because there is no console after all. The last
            # three keep its schedulers from spinning while they have nothing to do.
            "RABBITMQ_ALLOW_INPUT": "yes",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS":
                "-noinput -kernel inet_dist_use_interface {127,0,0,1} "
                "+sbwt none +sbwtdcpu none +sbwtdio none"}

    def command(self) -> list[str]:
        # Debian's wrapper of the same name in /usr/sbin wants to choose the account itself.
        return [program("rabbitmq-server", "/usr/lib/rabbitmq/bin")]

    def spawn(self) -> None:
        # Without one of our own the node starts a name service that outlives it.
        with open(self.log_path, "ab") as log:
            self._names = subprocess.Popen(
                [program("epmd"), "-address", HOST, "-port", str(self.names_port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
        try:
            super().spawn()
        except BaseException:
            self._end_names()
            raise

    def _forget(self) -> int:
        self._end_names()
        return super()._forget()

    def _end_names(self) -> None:
        self._names.kill()
        self._names.wait()

    def is_ready(self) -> bool:
        # Connection.Start is a method frame on channel 0.
        return self.ask(b"AMQP\x00\x00\x09\x01").startswith(b"\x01\x00\x00")


class NginxServer(Engine):
    """A proxy with a configuration of the caller's; `$port` in the text is the port it gets."""

    name = "nginx"

    def __init__(self, directory: Path, configuration: str, port: int | None = None):
        super().__init__(directory, port)
        self.configuration = configuration

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    def prepare(self) -> None:
        text = Template(self.configuration).safe_substitute(port=self.port)
        (self.directory / "nginx.conf").write_text(text)

    def command(self) -> list[str]:
        return [program("nginx"), "-p", str(self.directory), "-e", "stderr",
                "-c", str(self.directory / "nginx.conf"), "-g", "daemon off;"]

    def reload(self, configuration: str) -> None:
        """New upstreams without a connection lost: old workers serve theirs to the end."""
        self.configuration = configuration
        self.prepare()
        self.process.send_signal(signal.SIGHUP)

    def is_ready(self) -> bool:
        # With TLS it closes or answers 400; both show that it listens.
        self.ask(b"GET / HTTP/1.0\r\n\r\n")
        return True


class HAProxyServer(Engine):
    """Hands TCP connections on with a PROXY header."""

    name = "haproxy"

    def __init__(self, directory: Path, routes: list[tuple[int, str]]):
        """A route is a server's port and how the header is sent: send-proxy, send-proxy-v2."""
        super().__init__(directory)
        self.ports = [self.port, *(free_port() for _ in routes[1:])]
        self.routes = routes

    def prepare(self) -> None:
        lines = ["defaults", "  mode tcp", "  timeout connect 5s", "  timeout client 1m",
                 "  timeout server 1m"]
        for port, (target, header) in zip(self.ports, self.routes):
            lines += [f"listen from-{port}", f"  bind {HOST}:{port}",
                      f"  server contoso {HOST}:{target} {header}"]
        (self.directory / "haproxy.cfg").write_text("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        return [program("haproxy"), "-db", "-f", str(self.directory / "haproxy.cfg")]

    def is_ready(self) -> bool:
        self.ask(b"GET / HTTP/1.0\r\n\r\n")
        return True
