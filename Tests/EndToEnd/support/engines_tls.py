"""Redis, RabbitMQ and PostgreSQL that speak TLS only, ask for a certificate, and know one account.

    authority ─┬─▶ "localhost": the servers' certificate; 127.0.0.1 is not in it
               └─▶ "contoso": the client's

    EncryptedEngines(directory).start().url("--state")    with the account and the three files

Source: redis.conf "TLS/SSL"; RabbitMQ "TLS Support"; PostgreSQL 15 "Secure TCP/IP Connections with
SSL", "Certificate Authentication" (clientcert=verify-full: the certificate must be the role's).
"""

import os
import shutil
import socket
import ssl
import struct
from pathlib import Path

from .certificate import Authority, Certificate
from .engine import HOST, PROBE_WITHIN, Engine
from .engines import PostgresServer, RabbitServer, RedisServer
from .outside import Engines

ACCOUNT, PASSWORD = "contoso", "pass/word"
ESCAPED = "pass%2Fword"
NAME = "localhost"


class Guards:
    """The authority, the servers' certificate and the client's."""

    def __init__(self, directory: Path):
        self.authority = Authority(directory)
        self.server = self.authority.issue(NAME)
        self.client = self.authority.issue(ACCOUNT, usage="clientAuth")

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.authority.certificate))
        context.load_cert_chain(str(self.client.certificate), str(self.client.key))
        return context


class _Encrypted(Engine):
    """What is the same for all three: the files where the server may read them, and the probe."""

    guards: Guards
    # What is said in the clear before TLS begins.
    prelude = b""

    def own_files(self) -> tuple[Path, Certificate]:
        """The authority's certificate and the server's, as files of the server's account."""
        place = self.own_directory("tls")
        account = self.run_as()

        def own(path: Path) -> Path:
            copy = Path(shutil.copy(path, place))
            copy.chmod(0o600)
            if account:
                os.chown(copy, account["user"], account["group"])
            return copy
        return (own(self.guards.authority.certificate),
                Certificate(own(self.guards.server.certificate), own(self.guards.server.key)))

    def ask(self, question: bytes, port: int | None = None) -> bytes:
        with socket.create_connection((HOST, port or self.port), PROBE_WITHIN) as plain:
            if self.prelude:
                plain.sendall(self.prelude)
                if plain.recv(1) != b"S":
                    return b""
            with self.guards.context().wrap_socket(plain, server_hostname=NAME) as connection:
                connection.sendall(question)
                return connection.recv(512)


class EncryptedRedis(_Encrypted, RedisServer):
    def listening(self) -> list[str]:
        authority, own = self.own_files()
        return ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "yes",
                "--tls-ca-cert-file", str(authority), "--tls-cert-file", str(own.certificate),
                "--tls-key-file", str(own.key), "--user", "default", "off",
                "--user", ACCOUNT, "on", f">{PASSWORD}", "~*", "&*", "+@all"]


class EncryptedRabbit(_Encrypted, RabbitServer):
    def listening(self) -> list[str]:
        authority, own = self.own_files()
        return ["listeners.tcp = none", f"listeners.ssl.1 = {HOST}:{self.port}",
                f"ssl_options.cacertfile = {authority}",
                f"ssl_options.certfile = {own.certificate}", f"ssl_options.keyfile = {own.key}",
                "ssl_options.verify = verify_peer", "ssl_options.fail_if_no_peer_cert = true",
                f"default_user = {ACCOUNT}", f"default_pass = {PASSWORD}"]

    def environment(self) -> dict[str, str]:
        # They would open a plain listener.
        return {name: value for name, value in super().environment().items()
                if name not in ("RABBITMQ_NODE_IP_ADDRESS", "RABBITMQ_NODE_PORT")}


class EncryptedPostgres(_Encrypted, PostgresServer):
    access = (f"hostssl all postgres {HOST}/32 trust\n"
              f"hostssl all all {HOST}/32 scram-sha-256 clientcert=verify-full\n")
    # SSLRequest
    prelude = struct.pack("!ii", 8, 80877103)

    def command(self) -> list[str]:
        authority, own = self.own_files()
        settings = {"ssl": "on", "ssl_ca_file": authority, "ssl_cert_file": own.certificate,
                    "ssl_key_file": own.key}
        return [*super().command(),
                *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))]

    def environment(self) -> dict[str, str]:
        # psql looks for certificates at home, and root's is closed to the server's account.
        return {"HOME": str(self.directory)}

    def change(self, statement: str) -> None:
        self.run(self._program("psql"), "--quiet", "--command", statement,
                 f"host={HOST} port={self.port} user=postgres dbname=postgres")

    def make_account(self) -> None:
        self.change(f"CREATE ROLE {ACCOUNT} LOGIN PASSWORD '{PASSWORD}'")
        self.make_database(ACCOUNT)

    def make_database(self, name: str) -> None:
        self.change(f"CREATE DATABASE {name} OWNER {ACCOUNT}")


class EncryptedEngines(Engines):
    def __init__(self, directory: Path):
        self.guards = Guards(directory / "certificates")
        self.redis = EncryptedRedis(directory / "redis")
        self.rabbit = EncryptedRabbit(directory / "rabbitmq")
        self.postgres = EncryptedPostgres(directory / "postgres")
        for engine in self.all:
            engine.guards = self.guards

    def start(self) -> "EncryptedEngines":
        super().start()
        self.postgres.make_account()
        return self

    def url(self, flag: str, *, host: str = NAME, scheme: str | None = None,
            authority: Path | None = None, shows_certificate: bool = True,
            trusts_system: bool = False) -> str:
        """The URL that opens the server of a setting, or one with a fault."""
        usual, port, path, names = {
            "--state": ("rediss", self.redis.port, "/0",
                        ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile", [])),
            "--broker": ("amqps", self.rabbit.port, "/",
                         ("cacertfile", "certfile", "keyfile", [])),
            "--database": ("postgres", self.postgres.port, f"/{ACCOUNT}",
                           ("sslrootcert", "sslcert", "sslkey", ["sslmode=verify-full"]))}[flag]
        url = f"{scheme or usual}://{ACCOUNT}:{ESCAPED}@{host}:{port}{path}"
        if scheme is not None:
            return url
        trusted, certificate, key, more = names
        words = [*more]
        if not trusts_system:
            words.append(f"{trusted}={authority or self.guards.authority.certificate}")
        if shows_certificate:
            words += [f"{certificate}={self.guards.client.certificate}",
                      f"{key}={self.guards.client.key}"]
        return f"{url}?{'&'.join(words)}"
