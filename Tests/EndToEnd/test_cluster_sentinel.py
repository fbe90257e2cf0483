"""Redis fails over: pods that ask a sentinel follow the leader, and nothing that was ordered is lost.

    pod ─ where is the leader? ─▶ sentinel ─┬─▶ first   killed
     └──────── commands, backplane ─────────┴─▶ second  promoted
"""

import pytest

from support.deadline import until
from support.engine import HOST, free_port
from support.engines import RedisReplica, RedisSentinel, RedisServer
from support.hub_client import COMPLETED, HubClient
from support.refusal import UNAVAILABLE, refused
from support.server import OUTPUT
from support.shop import Shop

FAILED_OVER_WITHIN = 30.0
TOLD_WITHIN = 30.0


@pytest.fixture
def redis(request):
    """The leader, who follows it, and the sentinel."""
    place = OUTPUT / "engines" / request.node.name
    leader = RedisServer(place / "first").start()
    follower = RedisReplica(place / "second", leader).start()
    until("it follows", lambda: b"master_link_status:up" in replication(follower))
    sentinel = RedisSentinel(place / "sentinel", leader).start()
    until("the sentinel knows both", lambda: b"slaves=1" in sentinel.ask(b"INFO sentinel\r\n"))
    yield leader, follower, sentinel
    for engine in (sentinel, follower, leader):
        engine.kill()


def replication(server: RedisServer) -> bytes:
    return server.ask(b"INFO replication\r\n")


def orders_are_told(shop: Shop, tabs: list[HubClient], count: int = 5) -> None:
    for order in [shop.ordered() for _ in range(count)]:
        for tab in tabs:
            note = tab.notification(order["correlationId"], within=TOLD_WITHIN)
            assert note["status"] == COMPLETED


def test_pods_follow_the_leader_and_keep_their_clients(redis, new_cluster, outside):
    leader, follower, sentinel = redis
    cluster = new_cluster(accept=1, process=1, notification=2,
                          environment={"CONTOSO_STATE": sentinel.url}).start()
    shop = Shop(cluster)
    first, second = cluster.notification
    with HubClient(first, shop.user) as one, HubClient(second, shop.user) as two:
        orders_are_told(shop, [one, two])

        leader.kill()
        # Nobody who orders waits for the election.
        between = [shop.ordered() for _ in range(5)]
        until("the other one leads", lambda: b"role:master" in replication(follower),
              FAILED_OVER_WITHIN)

        for order in between:
            assert one.notification(order["correlationId"], within=TOLD_WITHIN)
            assert two.notification(order["correlationId"], within=TOLD_WITHIN)
        orders_are_told(shop, [one, two])

        # The old one comes back, and is one that follows.
        leader.start()
        until("it follows", lambda: b"role:slave" in replication(leader), FAILED_OVER_WITHIN)
        orders_are_told(shop, [one, two])
        for pod in cluster.pods:
            assert Shop(pod).get("/health/ready").status == 200
    until("nothing is left over", outside.is_quiet)
    assert outside.dead_letters() == 0


def test_a_sentinel_that_is_away_or_knows_no_such_leader_is_named(redis, tmp_path):
    _, _, sentinel = redis
    arguments = {"--http": f"{HOST}:0", "--https": "none", "--data": str(tmp_path),
                 "--startup-wait": "2s"}
    unknown = sentinel.url.replace(sentinel.NAME, "nobody")
    refused({**arguments, "--state": unknown}, UNAVAILABLE, "--state", "nobody", "sentinel")

    nowhere = f"redis+sentinel://{HOST}:{free_port()}/{sentinel.NAME}"
    refused({**arguments, "--state": nowhere}, UNAVAILABLE, "--state", "sentinel")
