"""Bytes of a server's memory that one more idle connection takes.

    RSS with 500 connections ──┐
    RSS with 2,500 ────────────┴▶ the slope; what the server takes anyway cancels out
"""

import resource
import time
from pathlib import Path

from . import load
from .servers import Binaries, Program

FEW, MANY = 500, 2500
# Descriptors of ours: the connections, and some more.
DESCRIPTORS = MANY + 200
# What a handshake has left is freed, and buffers are released, within this time; seconds.
SETTLED_AFTER = 1.0


def measure(directory: Path, binaries: Binaries) -> dict[str, float]:
    _raise_descriptor_limit()
    figures = {}
    for tls in (False, True):
        name = "tls" if tls else "plain"
        pod = Program(directory / f"memory-{name}", binaries.contoso(),
                      binaries.contoso_settings())
        try:
            pod.start()
            figures[f"idle.{name}.bytes"] = _bytes_per_connection(pod, tls)
        finally:
            pod.stop()
    return figures


def _bytes_per_connection(pod: Program, tls: bool) -> float:
    clients: list[load.Client] = []

    def resident(count: int) -> int:
        clients.extend(load.hub_clients(pod.port(tls), tls, range(len(clients), count)))
        time.sleep(SETTLED_AFTER)
        return pod.resident_bytes()

    few, many = resident(FEW), resident(MANY)
    for client in clients:
        client.close()
    return (many - few) / (MANY - FEW)


def _raise_descriptor_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= DESCRIPTORS:
        return
    if hard < DESCRIPTORS:
        raise OSError(f"this needs {DESCRIPTORS} descriptors, and the limit is {hard}; "
                      "raise it: ulimit -Hn")
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, hard))
