"""Fixtures: a certificate per run, servers that must survive their tests and end cleanly.

    backing   "embedded": a server has its engines inside
              "cluster": Redis, RabbitMQ and PostgreSQL, started once per run; every server fixture
              gets a database and queues of its own

A file whose tests hold for both is parametrized with both, indirectly.
"""

import itertools
import shutil
import signal

import pytest

from support.certificate import make_certificate
from support.cluster import Cluster
from support.hub_client import HubClient
from support.outside import Engines, Outside
from support.server import OUTPUT, Server, binary
from support.shop import Shop

_numbers = itertools.count(1)


def pytest_sessionstart(session):
    # Asked to end, the run ends as by Ctrl-C: with the fixtures, which stop what they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not binary().exists():
        pytest.exit(f"there is no binary at {binary()}: run `swift build` first", returncode=2)
    for name in ("servers", "clusters", "engines"):
        shutil.rmtree(OUTPUT / name, ignore_errors=True)


@pytest.fixture(scope="session")
def certificate():
    return make_certificate(OUTPUT / "certificate")


@pytest.fixture(scope="session")
def make_server(certificate):
    """Makes servers that are not started, each with a directory of its own that CI can keep."""
    def make(name: str, **options) -> Server:
        return Server(OUTPUT / "servers" / f"{next(_numbers):02}-{name}", certificate, **options)
    return make


@pytest.fixture(scope="session")
def engines():
    """The real servers; a test that ends or freezes one leaves it running."""
    running = Engines(OUTPUT / "engines").start()
    yield running
    running.stop()


@pytest.fixture
def outside(engines):
    """A new database and new queues on the real engines."""
    made = Outside(engines)
    yield made
    made.close()


@pytest.fixture(scope="module")
def backing(request):
    return getattr(request, "param", "embedded")


@pytest.fixture(scope="module")
def make_backed(request, backing, make_server):
    """Makes servers on the engines of `backing`; `records` shows what they have done."""
    outsides = []

    def make(name: str, **options) -> Server:
        if backing == "embedded":
            return make_server(name, **options)
        outside = Outside(request.getfixturevalue("engines"))
        outsides.append(outside)
        environment = {**outside.settings, **options.pop("environment", {})}
        made = make_server(f"{name}-cluster", environment=environment, **options)
        made.outside = outside
        return made

    yield make
    for outside in outsides:
        outside.close()


@pytest.fixture(scope="module")
def server(request, make_backed):
    """A running server with all roles for the tests of one file."""
    running = make_backed(request.module.__name__.removeprefix("test_")).start()
    yield running
    running.end()


@pytest.fixture
def shop(server):
    """A new user of the server."""
    return Shop(server)


@pytest.fixture
def hub(server, shop):
    """That user's open connection to the hub."""
    with HubClient(server, shop.user) as connected:
        yield connected


@pytest.fixture
def new_server(request, make_backed):
    """Makes servers for one test; those still running at its end must end cleanly."""
    made = []

    def make(**options) -> Server:
        made.append(make_backed(request.node.originalname.removeprefix("test_")[:40], **options))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def new_cluster(request, certificate, outside):
    """Makes clusters on one set of engines; every pod must live to the end and end cleanly."""
    made = []

    def make(**options) -> Cluster:
        settings = {**outside.settings, **options.pop("environment", {})}
        name = request.node.originalname.removeprefix("test_")[:40]
        made.append(Cluster(OUTPUT / "clusters" / f"{next(_numbers):02}-{name}", certificate,
                            outside.backing, environment=settings, **options))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """A failure is reported with what the servers that run now have complained of."""
    report = yield
    if report.failed:
        for server in Server.started:
            if server.is_running and (lines := server.complaints()):
                report.sections.append((f"log of {server.directory.name}", "\n".join(lines)))
    return report


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """The last line, alone, for whoever reads only that. An error in a fixture is a failure."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return
    def count(*kinds):
        return sum(len(reporter.stats.get(kind, [])) for kind in kinds)
    print(f"{count('passed')} passed, {count('failed', 'error')} failed, "
          f"{count('skipped')} skipped")
