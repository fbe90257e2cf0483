"""Scanners that others wrote, against the listener with its default settings.

    sslscan (half a second)      every run, where it is installed
    testssl, sslyze (a minute)   scripts/tls-check, or TLS_SCANS=all

Whatever is missing on this machine is skipped, and says so. What no scanner can be content with is named
in `NOT_OURS`: a certificate of ours has no public authority, hence nobody to ask whether it is revoked.
"""

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from support.certificate import Authority

# testssl: what is about the test's authority, or about the scanner's own openssl.
NOT_OURS = {"cert_revocation", "cert_chain_of_trust", "RC4"}
# Answers for browsers that a page sets, no listener.
PAGES = {"security_headers"}

slow = pytest.mark.skipif(os.environ.get("TLS_SCANS") != "all",
                          reason="takes a minute: scripts/tls-check")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def scanned(make_server, authority):
    server = make_server("scanned", environment={"CONTOSO_TLS__HSTS": "365d"})
    server.certificate = authority.issue("localhost", "IP:127.0.0.1")
    server.start()
    yield server
    server.end()


def tool(name: str) -> str:
    """Where it is, beside this Python or on the path; without it the test is skipped."""
    beside = Path(sys.executable).with_name(name)
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not installed")
    return found


def test_sslscan_finds_nothing_weak(scanned):
    ran = subprocess.run([tool("sslscan"), "--xml=-", f"localhost:{scanned.https[1]}"],
                         capture_output=True, timeout=120, check=True)
    result = ElementTree.fromstring(ran.stdout).find("ssltest")
    enabled = {f"{one.get('type')}{one.get('version')}" for one in result.findall("protocol")
               if one.get("enabled") == "1"}
    assert enabled == {"tls1.2", "tls1.3"}
    assert result.find("renegotiation").get("supported") == "0"
    assert all(one.get("vulnerable") == "0" for one in result.findall("heartbleed"))
    ciphers = {one.get("cipher") for one in result.findall("cipher")}
    assert ciphers == {"TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256",
                       "TLS_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384",
                       "ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"}
    groups = {one.get("name") for one in result.findall("group")}
    assert groups <= {"x25519", "secp256r1 (NIST P-256)", "secp384r1 (NIST P-384)"}, groups


@slow
def test_testssl_finds_nothing_above_information(scanned, authority, tmp_path):
    report = tmp_path / "testssl.json"
    subprocess.run([tool("testssl"), "--fast", "--nodns", "none", "--quiet", "--color", "0",
                    "--add-ca", str(authority.certificate), "--jsonfile", str(report),
                    f"https://localhost:{scanned.https[1]}"],
                   capture_output=True, timeout=600)
    findings = json.loads(report.read_text())
    assert len(findings) > 50, "it has not looked at much"
    bad = [f"{one['severity']} {one['id']}: {one['finding']}" for one in findings
           if one["severity"] not in ("OK", "INFO") and one["id"] not in NOT_OURS | PAGES]
    assert not bad, bad


@slow
def test_sslyze_finds_what_Mozilla_recommends(scanned, authority, tmp_path):
    """It judges the certificate by the public authorities, whatever it is given."""
    ran = subprocess.run([tool("sslyze"), "--mozilla_config=intermediate",
                          f"--certinfo_ca_file={authority.certificate}",
                          f"localhost:{scanned.https[1]}"],
                         capture_output=True, text=True, timeout=600)
    _, _, judgement = ran.stdout.partition("COMPLIANCE AGAINST TLS CONFIGURATION")
    assert judgement, ran.stdout + ran.stderr
    objections = [line.strip() for line in judgement.splitlines() if line.strip().startswith("* ")]
    assert all(line.startswith("* certificate_path_validation") for line in objections), objections
