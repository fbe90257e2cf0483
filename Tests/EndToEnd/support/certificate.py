"""Certificates for tests, made by the openssl tool: self-signed ones, and an authority's.

    make_certificate(directory)                        one for 127.0.0.1 and localhost
    Authority(directory).issue("shop.example", …)      signed, with the issuer behind it in its file
"""

import subprocess
from dataclasses import dataclass
from pathlib import Path

EC = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
RSA = ["-newkey", "rsa:2048"]


@dataclass(frozen=True)
class Certificate:
    """Paths; several certificates of one server stand as a list with commas."""
    certificate: Path | str
    key: Path | str


def make_certificate(directory: Path) -> Certificate:
    directory.mkdir(parents=True, exist_ok=True)
    made = Certificate(directory / "certificate.pem", directory / "key.pem")
    openssl("req", "-x509", *EC, "-nodes", "-days", "90", "-subj", "/CN=localhost",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", made.key, "-out", made.certificate)
    return made


def together(*certificates: Certificate) -> Certificate:
    """Several certificates for one server."""
    return Certificate(",".join(str(one.certificate) for one in certificates),
                       ",".join(str(one.key) for one in certificates))


class Authority:
    """An authority that lives for one test."""

    def __init__(self, directory: Path):
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.certificate = directory / "ca.pem"
        self.key = directory / "ca.key"
        openssl("req", "-x509", *EC, "-nodes", "-days", "365", "-subj", "/CN=Test authority",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", self.key,
                "-out", self.certificate)

    def issue(self, *names: str, key: list[str] = EC, usage: str = "serverAuth",
              days: int = 90) -> Certificate:
        stem = self.directory / f"{len(list(self.directory.iterdir()))}"
        made = Certificate(stem.with_suffix(".pem"), stem.with_suffix(".key"))
        request, leaf, fields = (stem.with_suffix(end) for end in (".csr", ".leaf", ".ext"))
        alternatives = ",".join(name if ":" in name else f"DNS:{name}" for name in names)
        fields.write_text(f"subjectAltName={alternatives}\nextendedKeyUsage={usage}\n"
                          "basicConstraints=critical,CA:FALSE\nkeyUsage=digitalSignature\n")
        openssl("req", *key, "-nodes", "-subj", f"/CN={names[0]}", "-keyout", made.key,
                "-out", request)
        openssl("x509", "-req", "-days", days, "-in", request, "-CA", self.certificate,
                "-CAkey", self.key, "-CAcreateserial", "-extfile", fields, "-out", leaf)
        made.certificate.write_bytes(leaf.read_bytes() + self.certificate.read_bytes())
        return made

    def staple(self, certificate: Certificate) -> Path:
        """An OCSP response that calls it good for a day."""
        serial = openssl("x509", "-in", certificate.certificate, "-noout", "-serial")
        index = self.directory / "index.txt"
        index.write_text(f"V\t491231235959Z\t\t{serial.strip().split('=')[1]}\tunknown\t/CN=any\n")
        response = Path(f"{certificate.certificate}.ocsp")
        openssl("ocsp", "-index", index, "-CA", self.certificate, "-rsigner", self.certificate,
                "-rkey", self.key, "-issuer", self.certificate, "-cert", certificate.certificate,
                "-no_nonce", "-ndays", "1", "-respout", response)
        return response


def openssl(*words) -> str:
    return subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True,
                          text=True).stdout
