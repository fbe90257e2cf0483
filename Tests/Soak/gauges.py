"""What a process holds at a moment, as its own metrics say, and what of it has to come back.

    scrape ─▶ every gauge, its labels added up ─▶ Held

Every gauge counts, so that one that is added later is watched without a word here. Memory is apart: it
comes back to about where it was, and not to the byte.
"""

import re
from dataclasses import dataclass

from support.http_wire import request
from support.server import Address

# The same at all times, or no amount of anything: moments, and how late a loop is just now.
_CONSTANT = {"process_max_fds", "process_start_time_seconds", "process_virtual_memory_bytes",
             "contoso_tls_certificate_expiry_timestamp_seconds", "contoso_loop_lag_seconds"}
# A pool closes what it has not needed for a minute, maybe only after the start level was taken.
_MAY_FALL = {"process_open_fds"}
_MEMORY = "process_resident_memory_bytes"


@dataclass(frozen=True)
class Held:
    gauges: dict[str, float]
    resident: float
    totals: dict[str, float]

    def differences(self, start: "Held") -> dict[str, tuple[float, float]]:
        """Gauges that are not what they were at the start: then and now."""
        names = {*self.gauges, *start.gauges}
        pairs = {name: (start.gauges.get(name, 0.0), self.gauges.get(name, 0.0)) for name in names}
        return {name: pair for name, pair in sorted(pairs.items())
                if not has_come_back(name, *pair)}


def has_come_back(gauge: str, was: float, now: float) -> bool:
    return now == was or (gauge in _MAY_FALL and now < was)


def look(address: Address) -> Held:
    response = request(address, "GET", "/metrics")
    assert response.status == 200, response
    text = response.body.decode()
    kinds = dict(re.findall(r"^# TYPE (\S+) (\S+)$", text, re.MULTILINE))
    sums: dict[str, float] = {}
    for name, value in re.findall(r"^([a-z_]+)(?:\{.*\})? (\S+)$", text, re.MULTILINE):
        sums[name] = sums.get(name, 0.0) + float(value)
    return Held(
        gauges={name: value for name, value in sums.items()
                if kinds.get(name) == "gauge" and name not in _CONSTANT and name != _MEMORY},
        resident=sums[_MEMORY],
        totals={name: value for name, value in sums.items() if name.endswith("_total")})
