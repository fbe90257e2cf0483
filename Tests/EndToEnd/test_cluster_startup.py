"""What a start says that cannot reach, cannot enter or cannot understand its servers.

    78 configuration    a URL that is none, a wrong password, a database of another make
    69 unavailable      nobody answers there

Every complaint names the setting and the place, and none repeats a password.
Source: man 3 sysexits.
"""

import pytest

from support.engine import HOST, free_port
from support.engines import RedisServer
from support.refusal import CONFIGURATION, UNAVAILABLE, refused
from support.server import run_to_end

SECRET = "s3cret-Pa55"
WITHIN = 15.0

SETTINGS = {"--database": "CONTOSO_DATABASE", "--broker": "CONTOSO_BROKER",
            "--state": "CONTOSO_STATE"}


@pytest.fixture
def arguments(tmp_path, outside):
    """Arguments of a start that works, so that each test spoils one."""
    backing = outside.backing
    return {"--http": f"{HOST}:0", "--https": "none", "--data": str(tmp_path / "data"),
            "--startup-wait": "3s",
            "--database": backing.database, "--broker": backing.broker, "--state": backing.state}


def refused_for(flag: str, value: str, arguments: dict, codes: set[int], *words: str) -> str:
    """Refused because of one setting, which the complaint names as it was given."""
    complaint = refused({**arguments, flag: value}, codes, flag, *words, within=WITHIN)
    assert SECRET not in complaint
    return complaint


# Nobody there


@pytest.mark.parametrize("flag, form", [
    ("--database", "postgres://postgres:{secret}@{place}/contoso"),
    ("--broker", "amqp://guest:{secret}@{place}/"),
    ("--state", "redis://:{secret}@{place}")])
def test_a_server_that_does_not_answer(arguments, flag, form):
    place = f"{HOST}:{free_port()}"

    refused_for(flag, form.format(secret=SECRET, place=place), arguments, UNAVAILABLE, place)


def test_a_host_that_does_not_exist(arguments):
    refused_for("--database", f"postgres://u:{SECRET}@no-such-host.invalid/contoso", arguments,
                UNAVAILABLE, "no-such-host.invalid")


# Somebody there who does not let us in


def test_a_wrong_password_of_the_database(arguments, outside):
    role = f"contoso_{outside.database}"
    outside.change(f"CREATE ROLE {role} LOGIN PASSWORD 'right'")
    url = outside.engines.postgres.database_url(outside.database, f"{role}:{SECRET}")

    refused_for("--database", url, arguments, CONFIGURATION, role)


def test_a_wrong_password_of_the_broker(arguments, outside):
    url = outside.engines.rabbit.url.replace("guest:guest", f"guest:{SECRET}")

    refused_for("--broker", url, arguments, CONFIGURATION, "guest")


def test_a_virtual_host_that_does_not_exist(arguments, outside):
    refused_for("--broker", f"{outside.engines.rabbit.url}nowhere", arguments, CONFIGURATION,
                "nowhere")


@pytest.mark.parametrize("secret", ["", f":{SECRET}@"], ids=["missing", "wrong"])
def test_a_missing_or_wrong_password_of_the_state_store(arguments, tmp_path_factory, secret):
    guarded = RedisServer(tmp_path_factory.mktemp("redis"), password="right").start()
    try:
        refused_for("--state", f"redis://{secret}{HOST}:{guarded.port}", arguments, CONFIGURATION)
    finally:
        guarded.terminate()


# URLs that are none


@pytest.mark.parametrize("flag, value", [
    ("--database", f"mysql://u:{SECRET}@h/contoso"),
    ("--database", f"postgres://u:{SECRET}@h:port/contoso"),
    ("--database", f"postgres://u:{SECRET}@h:70000/contoso"),
    ("--database", f"postgres://u:{SECRET}@/contoso?sslmode=perhaps"),
    ("--database", f"Server=tcp:h,1433;User Id=sa;Password={SECRET}"),
    ("--database", "postgres//h/contoso"),
    ("--broker", f"http://u:{SECRET}@h:5672/"),
    ("--broker", f"amqp://u:{SECRET}@h:99999/"),
    ("--broker", f"amqp://u:{SECRET}/more@h/"),
    ("--broker", "amqp:"),
    ("--state", f"memcached://:{SECRET}@h"),
    ("--state", f"redis://:{SECRET}@h:0"),
    ("--state", f"redis://:{SECRET}@h/not-a-number"),
    ("--state", f"h:6379,password={SECRET},noSuchOption=1")])
def test_a_url_that_is_none(arguments, flag, value):
    refused_for(flag, value, arguments, CONFIGURATION)


@pytest.mark.parametrize("flag", SETTINGS)
def test_the_complaint_names_the_variable_where_the_value_came_from(arguments, flag):
    del arguments[flag]
    bad = f"nonsense://u:{SECRET}@h"

    complaint = refused(arguments, CONFIGURATION, SETTINGS[flag], within=WITHIN,
                        environment={SETTINGS[flag]: bad})

    assert SECRET not in complaint


def test_the_name_of_the_reference_is_named_too(arguments):
    del arguments["--broker"]
    refused(arguments, CONFIGURATION, "RabbitMQ__ConnectionString",
            environment={"RabbitMQ__ConnectionString": "nonsense"}, within=WITHIN)


# A database of another make


def test_a_database_of_a_newer_build(arguments, outside):
    assert run_to_end(["migrate", "--database", arguments["--database"]], within=WITHIN)[0] == 0
    outside.change('INSERT INTO "SchemaVersion" '
                   'SELECT (row).* FROM (SELECT jsonb_populate_record(s, \'{"Version": 999}\') '
                   'AS row FROM "SchemaVersion" s LIMIT 1) AS copied')

    refused({**arguments}, CONFIGURATION, "database", "999", within=WITHIN)


def test_a_database_with_tables_of_somebody_else(arguments, outside):
    """The reference's migrator has noted version 1 and 2, but its tables are not ours."""
    outside.change('CREATE TABLE "SchemaVersion" ("Version" bigint NOT NULL, '
                   '"AppliedOn" timestamptz, "Description" varchar(1024))')
    outside.change('INSERT INTO "SchemaVersion" VALUES (1, now(), \'InitSchema\'), '
                   "(2, now(), 'SeedDemoData')")
    outside.change('CREATE TABLE "Order" ("Id" bigint PRIMARY KEY, "CorrelationId" varchar(64))')

    refused(arguments, CONFIGURATION, "database", within=WITHIN)
    assert outside.query('SELECT count(*) AS n FROM "SchemaVersion"')[0]["n"] == 2


def test_many_pods_may_start_at_once_on_an_empty_database(new_cluster, outside):
    new_cluster(accept=3, process=3, notification=3).start()

    assert outside.count("Product") == 145
    versions = [row["Version"] for row in outside.query('SELECT "Version" FROM "SchemaVersion"')]
    assert len(versions) == len(set(versions))


def test_migrate_says_what_it_did_and_does_nothing_twice(arguments, outside):
    for _ in range(2):
        code, out, err = run_to_end(["migrate", "--database", arguments["--database"]],
                                    within=WITHIN)
        assert code == 0, err
        assert "up to date" in out and SECRET not in out
    assert outside.count("Product") == 145
