"""Several pods behind an ingress: each a process of its own, with roles of its own.

    browser ── https, wss ──▶ nginx ─┬─▶ accept-1, accept-2 ────────▶ PostgreSQL
                                     └─▶ notification-1 … N ◀──────── Redis (state, backplane)
                                         process-1, process-2 ◀─────▶ RabbitMQ

nginx takes turns and ties nobody to a pod; it runs the routes that deploy/nginx ships.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from string import Template

from .certificate import Certificate
from .engine import HOST, free_port
from .engines import NginxServer
from .server import ROOT, Address, Server
from .tokens import SIGNING_KEY

NGINX = Template("""
$account
worker_processes 1;
pid $directory/nginx.pid;
events { worker_connections 8192; }
http {
    include $shipped/http.conf;
    types { }
    access_log $directory/access.log without_query;
    client_body_temp_path $directory/body;
    proxy_temp_path $directory/proxy;
    fastcgi_temp_path $directory/fastcgi;
    uwsgi_temp_path $directory/uwsgi;
    scgi_temp_path $directory/scgi;
    upstream order_accept { zone order_accept 64k; $accept keepalive 64; }
    upstream order_notification { zone order_notification 64k; $notification keepalive 64; }
    server {
        listen $host:$https ssl;
        listen $host:$http;
        ssl_certificate $certificate;
        ssl_certificate_key $key;
        include $shipped/routes.conf;
    }
}
""")


@dataclass(frozen=True)
class Backing:
    """The outside servers of a platform, as the settings name them."""
    database: str
    broker: str
    state: str

    @property
    def settings(self) -> dict[str, str]:
        # A machine that stands still for two seconds is no outage; a test of outages says its own.
        return {"CONTOSO_DATABASE": self.database, "CONTOSO_BROKER": self.broker,
                "CONTOSO_STATE": self.state, "CONTOSO_DATABASE__TIMEOUT": "10s"}


class Cluster:
    """The pods and the ingress; to clients of the tests it is a server: `http`, `https`."""

    def __init__(self, directory: Path, certificate: Certificate, backing: Backing, *,
                 accept: int = 2, process: int = 2, notification: int = 3,
                 environment: dict[str, str] | None = None, web: bool = True,
                 http_port: int | None = None, https_port: int | None = None):
        self.directory, self.certificate, self.backing = directory, certificate, backing
        settings = {**backing.settings, "Jwt__SigningKey": SIGNING_KEY, **(environment or {})}
        if web:
            settings["CONTOSO_WEB"] = str(ROOT / "web")
        def pods(role: str, count: int) -> list[Server]:
            made = [Server(directory / f"{role}-{number}", certificate, roles=role, threads=1,
                           environment=settings, tls=False) for number in range(1, count + 1)]
            for pod in made:
                pod.http = (HOST, free_port())
            return made
        self.accept = pods("accept", accept)
        self.process = pods("process", process)
        self.notification = pods("notification", notification)
        self.http: Address = (HOST, http_port or free_port())
        self.https: Address = (HOST, https_port or free_port())
        self.ingress: NginxServer | None = None

    @property
    def pods(self) -> list[Server]:
        return [*self.accept, *self.process, *self.notification]

    def start(self) -> "Cluster":
        """Starts all pods at once, as an orchestrator does, and then the ingress."""
        try:
            for pod in self.pods:
                pod.spawn()
            for pod in self.pods:
                pod.wait_ready()
            self.ingress = NginxServer(
                self.directory / "nginx", self._nginx_configuration(), port=self.https[1])
            self.ingress.start()
        except BaseException:
            self.kill()
            raise
        return self

    def _nginx_configuration(self) -> str:
        def upstream(pods: list[Server], health: str) -> str:
            return " ".join(f"server {HOST}:{pod.http[1]} {health};" for pod in pods)
        return NGINX.substitute(
            # Root's workers would become an account that may not be able to write here.
            account="user root;" if os.geteuid() == 0 else "",
            directory=self.directory / "nginx", shipped=ROOT / "deploy" / "nginx", host=HOST,
            http=self.http[1], https=self.https[1], accept=upstream(self.accept, "fail_timeout=1s"),
            notification=upstream(self.notification, "max_fails=0"),
            certificate=self.certificate.certificate, key=self.certificate.key)

    def access_log(self) -> str:
        """What the ingress has served; a WebSocket stands there once it has ended."""
        return (self.directory / "nginx" / "access.log").read_text()

    def end(self) -> None:
        """Ends all; every pod must have lived until now and must end cleanly."""
        if self.ingress is not None:
            self.ingress.terminate()
        started = [pod for pod in self.pods if pod.process is not None]
        dead = [pod for pod in started if not pod.is_running]
        for pod in started:
            pod.ask_to_stop()
        codes = {pod: pod.wait() for pod in started}
        for pod, code in codes.items():
            assert pod not in dead, f"it died with {code} during the test:\n{pod.log()[-3000:]}"
            assert code == 0, f"it ended with {code} after SIGTERM:\n{pod.log()[-3000:]}"

    def kill(self) -> None:
        for pod in self.pods:
            if pod.process is not None:
                pod.kill()
        if self.ingress is not None:
            self.ingress.kill()
