"""What clients of the cluster see while a server behind it is away, and that nothing stays undone.

    PostgreSQL away         POST is 503 with Retry-After, within its deadline; never 201, never 500
    RabbitMQ, Redis away    POST is 201, as quick as ever; all is completed and told after the return

Away is both: killed, when connections are refused, and frozen, when nothing answers.
"""

import statistics
import time

import pytest

from support.database import STATUSES
from support.deadline import Deadline, until
from support.http_wire import request
from support.hub_client import HubClient
from support.shop import Shop, assert_problem

ORDERS = 50
MEDIAN_WITHIN = 0.050
DEADLINE = 5.0
HEALED_WITHIN = 60.0


@pytest.fixture(params=["killed", "frozen"])
def away(request):
    """Takes a server away and brings it back."""
    class Away:
        def __init__(self, engine):
            self.engine = engine

        def __enter__(self):
            self.engine.kill() if request.param == "killed" else self.engine.freeze()

        def __exit__(self, *_):
            self.engine.start() if request.param == "killed" else self.engine.thaw()
    return Away


def timed(call):
    began = time.monotonic()
    return call(), time.monotonic() - began


def all_completed(outside, orders: list[dict]) -> bool:
    statuses = {row["correlation"]: STATUSES[row["status"]] for row in outside.orders()}
    return all(statuses.get(order["correlationId"]) == "COMPLETED" for order in orders)


def test_cluster_without_its_database_says_503_in_time_and_recovers(new_cluster, outside, away):
    # As delivered.
    cluster = new_cluster(environment={"CONTOSO_DATABASE__TIMEOUT": "2s"}).start()
    shop = Shop(cluster)
    shop.ordered()
    with away(outside.engines.postgres):
        for _ in range(5):
            response, took = timed(shop.order)
            problem = assert_problem(response, 503)
            assert int(response.header("Retry-After")) > 0, response
            assert took < DEADLINE, problem
            assert "password" not in response.body.decode() and "postgres" not in \
                response.body.decode().lower(), "what is behind is nobody's business"
        for pod in cluster.pods:
            assert request(pod.http, "GET", "/health/live", {}).status == 200

    def ordered_again():
        response = shop.order()
        assert response.status in (201, 503), response
        return response.status == 201 and response.json()
    order = until("orders are taken again", ordered_again, HEALED_WITHIN)
    until("it is completed", lambda: all_completed(outside, [order]), HEALED_WITHIN)
    # What was refused is not there: the first order and the one after the return, or those whose
    # commit nobody could confirm.
    assert all_completed(outside, [order])


@pytest.mark.parametrize("name", ["rabbit", "redis"])
def test_cluster_takes_orders_while_a_helper_is_away_and_finishes_them_all(
        new_cluster, outside, away, name):
    cluster = new_cluster().start()
    shop = Shop(cluster)
    with HubClient(cluster, shop.user, tls=True) as hub:
        first = shop.ordered()
        hub.notification(first["correlationId"], within=15)
        orders, times = [], []
        with away(getattr(outside.engines, name)):
            for _ in range(ORDERS):
                response, took = timed(shop.order)
                assert response.status == 201, response
                orders.append(response.json())
                times.append(took)
        print(f"median {statistics.median(times) * 1000:.1f} ms, worst {max(times) * 1000:.1f} ms")

        until("all are completed", lambda: all_completed(outside, orders), HEALED_WITHIN)
        deadline = Deadline(HEALED_WITHIN)
        for order in orders:
            hub.notification(order["correlationId"], within=deadline.left())
        assert {note["orderId"] for note in hub.has_heard()} == {
            order["id"] for order in [first, *orders]}
    assert statistics.median(times) < MEDIAN_WITHIN
    assert outside.dead_letters() == 0
