"""A rolling restart: every pod is replaced, one after the other, while clients listen and order.

CONTOSO_ROLLING_CLIENTS and CONTOSO_ROLLING_PACE set another size (scripts/rolling-restart).
"""

import os
import time

from support.deadline import until
from support.fleet import Fleet

CLIENTS = int(os.environ.get("CONTOSO_ROLLING_CLIENTS", "300"))
# Hub connections that a pod closes per second.
PACE = int(os.environ.get("CONTOSO_ROLLING_PACE", "50"))
ORDERS_PER_SECOND = 20
# At most all clients are on one pod.
PERIOD = CLIENTS // PACE * 2 + 10


def test_a_rolling_restart_loses_no_notification_and_no_order(new_cluster):
    cluster = new_cluster(web=False, environment={
        "CONTOSO_DRAIN__DELAY": "1s", "CONTOSO_DRAIN__PERIOD": f"{PERIOD}s",
        "CONTOSO_DRAIN__RATE": str(PACE)})
    with Fleet(cluster.http, CLIENTS) as fleet:
        cluster.start()
        fleet.connect(within=120)
        fleet.order(ORDERS_PER_SECOND)
        figures, began = fleet.figures, time.monotonic()
        for pod in [*cluster.notification, *cluster.accept, *cluster.process]:
            log = restart(pod)
            print(f"{pod.directory.name}: {log}")
            until("everybody is connected again",
                  lambda: fleet.accidents or fleet.present == CLIENTS, 120)
            if pod in cluster.accept:
                # The next one goes when the ingress sends orders here again, as an orchestrator waits.
                until("it takes orders", lambda: "order accepted" in pod.log(), 120)
        fleet.end_orders(within=120)
        until("every order was told of", lambda: fleet.untold == 0, 120)
        took = time.monotonic() - began

    peak, five = figures.returns_peak(1), figures.returns_peak(5)
    print(f"""
{CLIENTS} clients, {len(cluster.pods)} pods restarted in {took:.0f} s, pace {PACE} per second
orders acknowledged        {figures.acknowledged}
notifications lost         {figures.acknowledged - figures.told}
POSTs tried again          {len(figures.repeats)} {sorted(set(figures.repeats))}
told after the 201         p50 {figures.percentile(0.5) * 1000:.0f} ms, \
p99 {figures.percentile(0.99) * 1000:.0f} ms, max {figures.percentile(1) * 1000:.0f} ms
clients told to reconnect  {figures.goodbyes}, cut without a word {len(figures.cuts)}
reconnects in a second     at most {peak}, in five {five}; failed {figures.failed_connects}
clients' longest lag       {figures.lag * 1000:.0f} ms""")
    assert fleet.accidents == []
    assert figures.acknowledged > ORDERS_PER_SECOND
    assert figures.told == figures.acknowledged
    # Everybody was on some pod at first, and each of those went.
    assert figures.goodbyes >= CLIENTS
    assert figures.cuts == [] and figures.failed_connects == 0
    # What comes while we or the ingress do not look seems to come at once.
    assert peak <= PACE * (1.5 + figures.lag) + 5
    assert five <= PACE * (6 + figures.lag) + 5


def restart(pod) -> dict:
    """Replaced by a new process on the same port; what the old one says of its end."""
    pod.ask_to_stop()
    code = pod.wait(within=PERIOD + 30)
    assert code == 0, f"it ended with {code}:\n{pod.log()[-3000:]}"
    said = [event for event in pod.events() if event["msg"] == "drain ended"]
    assert len(said) == 1, pod.log()[-3000:]
    assert said[0]["hub_cut"] == 0 and "cut at the end" not in pod.log(), pod.log()[-3000:]
    pod.start()
    return {name: said[0][name] for name in ("closed", "hub_closed", "took_ms")}
