"""Two independent SignalR clients, each unchanged, through sign-in, call and push.

pysignalr runs on asyncio, signalrcore on threads; both negotiate version 0.
Source: the pinned versions in requirements.txt.
"""

import asyncio
import queue

import pysignalr.client
import pytest
from signalrcore.hub_connection_builder import HubConnectionBuilder

from support.hub_client import COMPLETED, HUB
from support.shop import Shop, new_user

WITHIN = 10.0


@pytest.fixture(scope="module")
def server(make_server):
    """Pings every second: signalrcore's `stop` waits until its receiver has read one frame more."""
    running = make_server("python_clients", environment={"CONTOSO_HUB__KEEP_ALIVE": "1s"}).start()
    yield running
    running.end()


@pytest.fixture
def shop(server):
    """A user who has signed in by the token endpoint, as the shop does."""
    user = new_user()
    token = Shop(server, token="").post("/dev/token", {"userId": user}).json()["token"]
    return Shop(server, user, token)


def hub_url(server) -> str:
    return f"http://{server.http[0]}:{server.http[1]}{HUB}"


def assert_completed(notification: dict, order: dict) -> None:
    assert notification == {"correlationId": {"value": order["correlationId"]},
                            "status": COMPLETED, "orderId": order["id"]}


def test_pysignalr_registers_asks_and_hears_the_push(server, shop):
    asyncio.run(asyncio.wait_for(pysignalr_story(server, shop), WITHIN))


async def pysignalr_story(server, shop) -> None:
    # Its token factory is asked only after the negotiation, which needs the token too.
    client = pysignalr.client.SignalRClient(
        hub_url(server), headers={"Authorization": f"Bearer {shop.token}"})
    opened, heard = asyncio.Event(), asyncio.Queue()

    async def on_open():
        opened.set()

    async def on_notification(arguments):
        await heard.put(arguments[0])

    client.on_open(on_open)
    client.on("Notification", on_notification)
    running = asyncio.create_task(client.run())
    try:
        is_open = asyncio.create_task(opened.wait())
        await asyncio.wait({running, is_open}, return_when=asyncio.FIRST_COMPLETED)
        assert not running.done(), running
        order = await asyncio.to_thread(shop.ordered, ("AZ-900", 1), ("AZ-104", 2))
        assert_completed(await heard.get(), order)

        assert await pysignalr_result(client, "RegisterOrder", order["correlationId"]) is None
        assert_completed(await heard.get(), order)
        status = await pysignalr_result(client, "GetCurrentStatus", order["correlationId"])
        assert status == {"status": COMPLETED, "orderId": order["id"]}
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def pysignalr_result(client, method: str, *arguments):
    """The result of a call; the library hands completions to a callback."""
    answered = asyncio.get_running_loop().create_future()

    async def on_completion(message):
        if message.error:
            answered.set_exception(AssertionError(message.error))
        else:
            answered.set_result(message.result)

    await client.send(method, list(arguments), on_completion)
    return await answered


def test_signalrcore_registers_asks_and_hears_the_push(server, shop):
    opened, heard, answers = queue.Queue(), queue.Queue(), queue.Queue()
    connection = HubConnectionBuilder().with_url(
        hub_url(server), options={"access_token_factory": lambda: shop.token}).build()
    connection.on_open(lambda: opened.put(True))
    connection.on("Notification", lambda arguments: heard.put(arguments[0]))
    connection.start()
    try:
        opened.get(timeout=WITHIN)
        order = shop.ordered()
        assert_completed(heard.get(timeout=WITHIN), order)

        connection.send("GetCurrentStatus", [order["correlationId"]],
                        lambda completion: answers.put(completion))
        completion = answers.get(timeout=WITHIN)
        assert completion.error is None
        assert completion.result == {"status": COMPLETED, "orderId": order["id"]}
    finally:
        connection.stop()
