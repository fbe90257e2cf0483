"""What every process uses and how it answers its probes, twice a second, into samples.jsonl."""

import asyncio

from ledger import Ledger
from stage import Pod
from wire import Doubt, HTTPClient

EVERY = 0.5
PROBE_WITHIN = 5.0


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
