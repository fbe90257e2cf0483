"""Fixtures: a certificate per run, servers that must survive their tests and end cleanly."""

import itertools
import shutil

import pytest

from support.certificate import make_certificate
from support.hub_client import HubClient
from support.server import OUTPUT, Server, binary
from support.shop import Shop

_numbers = itertools.count(1)


def pytest_sessionstart(session):
    if not binary().exists():
        pytest.exit(f"there is no binary at {binary()}: run `swift build` first", returncode=2)
    shutil.rmtree(OUTPUT / "servers", ignore_errors=True)


@pytest.fixture(scope="session")
def certificate():
    return make_certificate(OUTPUT / "certificate")


@pytest.fixture(scope="session")
def make_server(certificate):
    """Makes servers that are not started, each with a directory of its own that CI can keep."""
    def make(name: str, **options) -> Server:
        return Server(OUTPUT / "servers" / f"{next(_numbers):02}-{name}", certificate, **options)
    return make


@pytest.fixture(scope="module")
def server(request, make_server):
    """A running server with all roles for the tests of one file."""
    running = make_server(request.module.__name__.removeprefix("test_")).start()
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
def new_server(request, make_server):
    """Makes servers for one test; those still running at its end must end cleanly."""
    made = []

    def make(**options) -> Server:
        made.append(make_server(request.node.originalname.removeprefix("test_")[:40], **options))
        return made[-1]

    yield make
    for one in made:
        one.end()


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
