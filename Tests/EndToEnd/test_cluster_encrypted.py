"""Pods whose servers speak TLS only and ask for a certificate, with an account instead of a default.

    pod ── rediss, amqps, sslmode=verify-full ──▶ Redis, RabbitMQ, PostgreSQL

A pod reaches nobody who does not prove who he is, and says what was wrong with his certificate.
Source: the URL parameters of redis-py, of RabbitMQ's URI specification, of libpq.
"""

import pytest

from support.certificate import Authority
from support.cluster import Backing, Cluster
from support.deadline import until
from support.engine import HOST
from support.engines_tls import ACCOUNT, PASSWORD, EncryptedEngines
from support.hub_client import HubClient
from support.refusal import CONFIGURATION, UNAVAILABLE, refused
from support.server import OUTPUT, Server
from support.shop import Shop

FLAGS = ["--database", "--broker", "--state"]
WITHIN = 20.0
HEALED_WITHIN = 60.0


@pytest.fixture(scope="module")
def encrypted():
    running = EncryptedEngines(OUTPUT / "engines" / "encrypted").start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def cluster(encrypted, certificate):
    made = Cluster(OUTPUT / "clusters" / "encrypted", certificate,
                   Backing(*map(encrypted.url, FLAGS)), accept=1, process=1, notification=2).start()
    yield made
    made.end()


def order_is_told(cluster: Cluster) -> None:
    """One order through all pods, told on both of them that serve hubs."""
    shop = Shop(cluster)
    first, second = cluster.notification
    with HubClient(first, shop.user) as one, HubClient(second, shop.user) as two:
        order = shop.ordered()
        for hub in (one, two):
            assert hub.notification(order["correlationId"], within=WITHIN)["status"] == 2


def test_an_order_goes_through_all_three_and_is_told_on_every_pod(cluster):
    order_is_told(cluster)


@pytest.mark.parametrize("name", ["redis", "rabbit", "postgres"])
def test_a_server_that_was_away_is_reached_again(cluster, encrypted, name):
    getattr(encrypted, name).restart(kill=True)

    def is_ready_again() -> bool:
        return all(Shop(pod).get("/health/ready").status == 200 for pod in cluster.pods)
    until("every pod is ready again", is_ready_again, HEALED_WITHIN)
    order_is_told(cluster)


def test_the_connection_strings_of_the_reference_ask_for_TLS_too(encrypted, certificate):
    guards = encrypted.guards
    encrypted.postgres.make_database("reference")
    settings = {
        "ConnectionStrings__Contoso":
            f"Host=localhost;Port={encrypted.postgres.port};Database=reference;"
            f"Username={ACCOUNT};Password={PASSWORD};SSL Mode=VerifyFull;"
            f"Root Certificate={guards.authority.certificate};"
            f"SSL Certificate={guards.client.certificate};SSL Key={guards.client.key}",
        "RabbitMQ__ConnectionString": encrypted.url("--broker"),
        # The cluster takes what stands in the usual queues.
        "CONTOSO_QUEUE__ACCEPTED": "r.accepted", "CONTOSO_QUEUE__PROCESSED": "r.processed"}
    server = Server(OUTPUT / "servers" / "encrypted-reference", certificate,
                    environment=settings, tls=False).start()
    try:
        shop = Shop(server)
        with HubClient(server, shop.user) as hub:
            order = shop.ordered()
            assert hub.notification(order["correlationId"], within=WITHIN)["status"] == 2
    finally:
        server.end()


def test_without_a_file_of_authorities_the_systems_are_trusted(encrypted, certificate, tmp_path):
    encrypted.postgres.make_database("system")
    settings = {"SSL_CERT_FILE": str(encrypted.guards.authority.certificate),
                "HOME": str(tmp_path),
                "CONTOSO_DATABASE": encrypted.url("--database", trusts_system=True).replace(
                    f"/{ACCOUNT}?", "/system?"),
                "CONTOSO_STATE": encrypted.url("--state", trusts_system=True)}
    server = Server(OUTPUT / "servers" / "encrypted-system", certificate, environment=settings,
                    tls=False).start()
    server.end()


# Those who cannot prove who they are


@pytest.fixture
def arguments(encrypted, tmp_path):
    """Arguments of a start that works, so that each test spoils one."""
    return {"--http": f"{HOST}:0", "--https": "none", "--data": str(tmp_path / "data"),
            "--startup-wait": "3s", **{flag: encrypted.url(flag) for flag in FLAGS}}


def refused_for(flag: str, url: str, arguments: dict, codes: set[int], *words: str) -> None:
    complaint = refused({**arguments, flag: url}, codes, flag, *words, within=WITHIN)
    assert PASSWORD not in complaint


@pytest.mark.parametrize("flag", FLAGS)
def test_a_certificate_of_an_authority_that_is_not_trusted(encrypted, arguments, tmp_path, flag):
    stranger = Authority(tmp_path / "stranger").certificate

    refused_for(flag, encrypted.url(flag, authority=stranger), arguments,
                CONFIGURATION | UNAVAILABLE, "certificate")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_certificate_that_is_for_another_name(encrypted, arguments, flag):
    refused_for(flag, encrypted.url(flag, host=HOST), arguments, CONFIGURATION | UNAVAILABLE,
                "certificate")


@pytest.mark.parametrize("flag", FLAGS)
def test_a_file_of_authorities_that_is_not_there(encrypted, arguments, tmp_path, flag):
    missing = tmp_path / "missing.pem"

    refused_for(flag, encrypted.url(flag, authority=missing), arguments, CONFIGURATION,
                str(missing))


@pytest.mark.parametrize("flag", FLAGS)
def test_a_client_that_shows_no_certificate(encrypted, arguments, flag):
    refused_for(flag, encrypted.url(flag, shows_certificate=False), arguments,
                CONFIGURATION | UNAVAILABLE, "certificate")


@pytest.mark.parametrize("flag, scheme", [("--broker", "amqp"), ("--state", "redis")])
def test_a_client_that_speaks_no_TLS(encrypted, arguments, flag, scheme):
    refused_for(flag, encrypted.url(flag, scheme=scheme), arguments, CONFIGURATION | UNAVAILABLE)
