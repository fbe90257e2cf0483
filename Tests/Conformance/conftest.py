"""Fixtures: servers under test, clients that are dropped at the end, pods on a Redis of their own.

    server   the usual times, for whatever has no time in it
    fast     --fast: times of one or two seconds, for whatever ends by itself
    pods     three servers and a Redis, one secret
"""

import itertools
import json
import shutil
import signal

import pytest
from hub.client import HubClient
from hub.evidence import Evidence
from hub.log import LifetimeLog
from hub.pods import Pods
from hub.process import OUTPUT, HubServer, binary

_numbers = itertools.count(1)
_evidence = Evidence(OUTPUT / "results.json")


def pytest_sessionstart(session):
    # Asked to end, the run ends as by Ctrl-C: with the fixtures, which stop what they started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if not session.config.option.collectonly:
        shutil.rmtree(OUTPUT / "servers", ignore_errors=True)
        # A run that breaks must not leave the proofs of the one before it.
        _evidence.path.unlink(missing_ok=True)


def pytest_collection_finish(session):
    """Asked to collect only, writes down which tests each case has."""
    if session.config.option.collectonly:
        marked: dict[str, list[str]] = {}
        for item in session.items:
            for marker in item.iter_markers("case"):
                for case in marker.args:
                    marked.setdefault(case, []).append(item.nodeid)
        OUTPUT.mkdir(parents=True, exist_ok=True)
        (OUTPUT / "marked.json").write_text(json.dumps(marked))


def _directory(name: str):
    if not binary().exists():
        pytest.exit(f"there is no binary at {binary()}: run `swift build` first", returncode=2)
    return OUTPUT / "servers" / f"{next(_numbers):02}-{name}"


@pytest.fixture(scope="session")
def server():
    running = HubServer(_directory("server")).start()
    yield running
    running.end()


@pytest.fixture(scope="session")
def fast():
    running = HubServer(_directory("fast"), fast=True).start()
    yield running
    running.end()


@pytest.fixture(scope="session")
def pods():
    running = Pods(_directory("pods"), 3).start()
    yield running
    running.end()


@pytest.fixture
def new_server(request):
    """Makes servers for one test; those still running at its end must end cleanly."""
    made = []

    def make(**options) -> HubServer:
        made.append(HubServer(_directory(request.node.originalname.removeprefix("test_")[:40]),
                              **options))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def new_pods(request):
    """Makes pods for one test, which may kill some of them and their Redis."""
    made = []

    def make(count: int = 2, **options) -> Pods:
        made.append(Pods(_directory(request.node.originalname.removeprefix("test_")[:40]), count,
                         **options))
        return made[-1]

    yield make
    for one in made:
        one.end()


@pytest.fixture
def connect():
    """Makes clients with a finished handshake and drops them at the end."""
    made = []

    def make(*arguments, **options) -> HubClient:
        made.append(HubClient(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.transport.drop()


@pytest.fixture
def client(connect, server):
    return connect(server)


@pytest.fixture
def log(server):
    watching = LifetimeLog(server)
    yield watching
    watching.client.transport.drop()


@pytest.fixture
def fast_log(fast):
    watching = LifetimeLog(fast)
    yield watching
    watching.client.transport.drop()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    """Notes what was proven; a failure is reported with what the servers have complained of."""
    report = yield
    if report.when == "call" or not report.passed:
        _evidence.add(item, report.outcome)
    if report.failed:
        for running in HubServer.running:
            if text := running.complaints():
                report.sections.append((f"stderr of {running.directory.name}", text))
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    if not session.config.option.collectonly:
        _evidence.write()


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    """The last line, alone, for whoever reads only that. An error in a fixture is a failure."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None or config.option.collectonly:
        return

    def count(*kinds):
        return sum(len(reporter.stats.get(kind, [])) for kind in kinds)

    print(f"{count('passed')} passed, {count('failed', 'error')} failed, "
          f"{count('skipped')} skipped")
