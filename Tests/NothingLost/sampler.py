"""What every process uses, how it answers its probes and what it has counted, twice a second.

    watch ──▶ samples.jsonl        count ─ GET /metrics ──▶ looks.jsonl

Apart, because a look may take as long as the database that is asked for it.
"""

import asyncio
import time

from ledger import Ledger
from stage import Pod
from wire import Doubt, HTTPClient

EVERY = 0.5
PROBE_WITHIN = 5.0
# What a look keeps, by the names of docs/OPERATIONS.md.
COUNTERS = {"accepted": "contoso_orders_accepted_total",
            "repeated": "contoso_orders_repeated_total",
            "processed": "contoso_orders_processed_total",
            "duplicates": "contoso_order_duplicates_total",
            "dead": "contoso_dead_letters_total"}


async def watch(pod: Pod, ledger: Ledger) -> None:
    """Runs until it is cancelled. A process that is not there gives no sample."""
    client = HTTPClient(pod.http)
    while True:
        usage = pod.usage()
        if usage is not None:
            live = await _probe(client, "/health/live")
            ready = await _probe(client, "/health/ready")
            rss, descriptors, threads = usage
            ledger.write("samples", process=pod.name, rss=rss, descriptors=descriptors,
                         threads=threads, live=live, ready=ready)
        await asyncio.sleep(EVERY)


async def _probe(client: HTTPClient, path: str) -> int | None:
    try:
        status, _ = await client.request("GET", path, within=PROBE_WITHIN)
        return status
    except Doubt:
        return None


async def count(pod: Pod, ledger: Ledger) -> None:
    """Runs until it is cancelled. A process that is not there or does not answer shows nothing."""
    while True:
        await look(pod, ledger)
        await asyncio.sleep(EVERY)


async def look(pod: Pod, ledger: Ledger) -> None:
    life, asked = pod.starts, time.monotonic()
    client = HTTPClient(pod.metrics)
    try:
        status, text = await client.request("GET", "/metrics", within=PROBE_WITHIN)
    except Doubt:
        return
    finally:
        client.close()
    # The port is the same in every life, and no life begins before the last one has ended.
    if status == 200 and pod.starts == life:
        ledger.write("looks", process=pod.name, life=life, asked=asked, **_counters(text.decode()))


def _counters(text: str) -> dict[str, int]:
    """A metric that is missing is an accident: nothing could be judged from it."""
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: int(values[metric]) for name, metric in COUNTERS.items()}
