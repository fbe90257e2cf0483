"""What a server says of itself: its metrics, read as strictly as a scraper may read them.

    Metrics(server) ── scrape() ──▶ {'contoso_orders_accepted_total': 1.0,
                                     'contoso_connections{loop="0"}': 3.0, …}

Source: Prometheus exposition format 0.0.4.
"""

import re

from .deadline import until
from .http_wire import Response, request
from .server import Address, Server

# Let the kernel choose the port.
LISTENING = {"CONTOSO_METRICS__LISTEN": "127.0.0.1:0"}

_SAMPLE = re.compile(r'^([a-z_]+)(\{[a-z_]+="(?:[^"\\\n]|\\["\\n])*"\})? (-?[0-9.e+]+)$')


class Metrics:
    def __init__(self, server: Server):
        self.server = server

    @property
    def address(self) -> Address:
        """Where they are served, as the server's log says."""
        served = [event for event in self.server.events() if event["msg"] == "metrics served"]
        assert len(served) == 1, f"the log does not say once where they are: {served}"
        host, _, port = served[0]["address"].rpartition(":")
        return host, int(port)

    def get(self, target: str = "/metrics", method: str = "GET", **headers: str) -> Response:
        return request(self.address, method, target, headers)

    def scrape(self) -> dict[str, float]:
        """The value of every line; one that is malformed or stands twice fails the test."""
        response = self.get()
        assert response.status == 200, response
        values, announced = {}, None
        for line in response.body.decode().splitlines():
            if line.startswith("# HELP "):
                announced = line.split(" ")[2]
            elif not line.startswith("# TYPE "):
                name, label, value = _SAMPLE.match(line).groups(default="")
                assert name == announced, f"a line without its HELP: {line}"
                assert name + label not in values, f"a line stands twice: {line}"
                values[name + label] = float(value)
        return values

    def changes_since(self, before: dict[str, float], *ignored: str) -> dict[str, float]:
        """What differs from an earlier scrape and by how much; loops are added up."""
        changes: dict[str, float] = {}
        for key, value in self.scrape().items():
            name = re.sub(r'\{loop="\d+"\}$', "", key)
            if name.startswith(ignored):
                continue
            changes[name] = changes.get(name, 0) + value - before.get(key, 0)
        return {name: change for name, change in changes.items() if change != 0}

    def until_changed(self, before: dict[str, float], expected: dict[str, float],
                      *ignored: str) -> None:
        """Waits until exactly these differ; counters are read behind what they count."""
        latest: dict[str, float] = {}

        def has_changed() -> bool:
            nonlocal latest
            latest = self.changes_since(before, *ignored)
            return latest == expected
        try:
            until("the metrics have changed as expected", has_changed, 10)
        except AssertionError as error:
            raise AssertionError(f"{error}; expected {expected}, found {latest}") from None
