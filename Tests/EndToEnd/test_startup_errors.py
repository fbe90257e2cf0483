"""What a wrong start says: one complaint that names the culprit, the right exit code, no trace.

    2 usage     78 configuration     1 or 69 something the machine does not give

Source: man 3 sysexits; RFC 7518 section 3.2 (keys shorter than the hash).
"""

import socket
import sqlite3
from contextlib import closing

import pytest

from support.certificate import make_certificate
from support.refusal import CONFIGURATION, FAILED, IDENTITY, USAGE, refused
from support.server import run_to_end

SHIPPED_KEY = "PLEASE_CHANGE_ME__DEV_ONLY__AT_LEAST_32_CHARS_LONG"


@pytest.fixture
def arguments(tmp_path, certificate):
    """Arguments of a start that works, as a dictionary, so that each test spoils one."""
    return {"--data": str(tmp_path / "data"), "--http": "127.0.0.1:0", "--https": "127.0.0.1:0",
            "--cert": str(certificate.certificate), "--key": str(certificate.key)}


def test_a_missing_certificate(arguments, tmp_path):
    missing = str(tmp_path / "no-such.pem")
    refused({**arguments, "--cert": missing}, FAILED, missing)


def test_a_certificate_that_is_none(arguments, tmp_path):
    garbage = tmp_path / "garbage.pem"
    garbage.write_text("-----BEGIN CERTIFICATE-----\nno base64 at all\n-----END CERTIFICATE-----\n")
    refused({**arguments, "--cert": str(garbage)}, FAILED, str(garbage))


def test_a_key_that_belongs_to_another_certificate(arguments, tmp_path):
    other = make_certificate(tmp_path / "other")
    refused({**arguments, "--key": str(other.key)}, FAILED, "key")


def test_a_certificate_without_its_key(arguments):
    del arguments["--key"]
    refused(arguments, CONFIGURATION, "--key")


def test_a_taken_port(arguments):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        refused({**arguments, "--http": address}, {1, 69}, address)


def test_an_address_of_another_machine(arguments):
    refused({**arguments, "--http": "192.0.2.1:8080"}, {1, 69}, "192.0.2.1:8080")


def test_a_data_directory_that_is_a_file(arguments, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    refused({**arguments, "--data": str(file)}, FAILED, str(file))


def test_a_data_directory_below_a_file(arguments, tmp_path):
    file = tmp_path / "file"
    file.write_text("")
    refused({**arguments, "--data": str(file / "data")}, FAILED, str(file))


def test_a_database_that_is_none(arguments, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "contoso.db").write_bytes(b"this is no database, it is text of some length\n" * 200)
    refused(arguments, FAILED, "contoso.db")


def test_a_database_cut_in_half(arguments, tmp_path, new_server):
    source = new_server().start()
    assert source.stop() == 0
    whole = source.database.read_bytes()
    data = tmp_path / "data"
    data.mkdir()
    (data / "contoso.db").write_bytes(whole[:len(whole) // 2])
    refused(arguments, FAILED, "contoso.db")


def test_a_clean_stop_leaves_the_database_in_one_file(new_server, tmp_path):
    """The control of the test above, and what makes `cp` a backup."""
    source = new_server().start()
    assert source.stop() == 0

    copy = tmp_path / "contoso.db"
    copy.write_bytes(source.database.read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM Product").fetchone() == (145,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_shop_directory_that_does_not_exist(arguments, tmp_path):
    missing = str(tmp_path / "no-shop")
    refused({**arguments, "--web": missing}, FAILED, missing)


def test_an_unknown_flag_with_the_nearest_one(arguments):
    refused({**arguments, "--thraeds": "2"}, USAGE, "--thraeds", "--threads")


def test_an_unknown_command_with_the_nearest_one():
    code, _, err = run_to_end(["sevre"])
    assert code == 2
    assert len(err.splitlines()) == 1 and "sevre" in err and "serve" in err


def test_a_flag_without_its_value(arguments):
    flags = [word for pair in arguments.items() for word in pair]
    code, _, err = run_to_end(["serve", "--dev", *flags, "--threads"])
    assert code == 2
    assert len(err.splitlines()) == 1 and "--threads" in err


def test_an_unknown_setting_with_the_nearest_one(arguments):
    refused(arguments, CONFIGURATION, "CONTOSO_LOG__LEVLE", "CONTOSO_LOG__LEVEL",
            environment={"CONTOSO_LOG__LEVLE": "debug"})


@pytest.mark.parametrize("flag, value", [
    ("--threads", "many"), ("--threads", "-1"), ("--roles", "accept,prosess"),
    ("--http", "127.0.0.1:70000"), ("--http", "nowhere")])
def test_a_value_that_cannot_be_used(arguments, flag, value):
    refused({**arguments, flag: value}, CONFIGURATION, flag)


@pytest.mark.parametrize("key", ["few-77-octets", SHIPPED_KEY, ""],
                         ids=["short", "shipped", "missing"])
def test_a_key_that_anybody_could_guess_outside_development(arguments, key):
    line = refused(arguments, CONFIGURATION, "key", dev=False,
                   environment={"Jwt__SigningKey": key})
    assert key == "" or key not in line, "a secret in an error line"


def test_a_token_issuer_that_is_not_checked_outside_development(arguments):
    refused(arguments, CONFIGURATION, "issuer", dev=False, environment={"Jwt__Issuer": ""})


def test_an_engine_that_this_build_does_not_have(arguments):
    bus = "Endpoint=sb://shop/;SharedAccessKeyName=all;SharedAccessKey=hunter2"
    line = refused(arguments, CONFIGURATION, "AzureServiceBus__ConnectionString",
                   environment={"AzureServiceBus__ConnectionString": bus})
    assert "hunter2" not in line


def test_the_same_arguments_work_when_nothing_is_wrong(new_server):
    """The control: what each test above spoils is good by itself."""
    server = new_server()
    server.environment = {**IDENTITY}
    server.start()
    assert server.stop() == 0
