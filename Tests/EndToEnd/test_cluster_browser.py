"""The shop in a real browser through the ingress, each tab on a pod of its own.

    tab 1 ──┐          ┌─▶ notification-1        order ──▶ accept-1 | accept-2
            ├─ nginx ──┤                           └─▶ process-1 | process-2
    tab 2 ──┘          └─▶ notification-2                └─▶ Redis ──▶ both tabs
"""

import re

import pytest

from support.browser import Browser, is_installed
from support.deadline import until
from support.server import ROOT
from support.shop import Shop, new_user

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="no chromium and chromedriver here"),
    pytest.mark.skipif(not (ROOT / "web" / "index.html").exists(), reason="no shop here")]

PUSHED_WITHIN = 2.0


def connected(browser: Browser) -> bool:
    return browser.attribute("connection-pill", "data-state") == "connected"


def hub_pods(cluster) -> list[str]:
    """The pods that took the WebSockets so far ended, one entry per socket."""
    return re.findall(r'"GET /hubs/\S*" 101 (\S+)', cluster.access_log())


def test_cluster_completes_an_order_in_two_tabs_on_different_pods(new_cluster, outside):
    cluster = new_cluster(accept=2, process=2, notification=3).start()
    user = new_user("buyer")
    with Browser(cluster) as browser:
        browser.sign_in(user)
        first = browser.driver.current_window_handle
        browser.add("AZ-104")
        browser.go_to_cart()
        browser.review_order()
        browser.driver.switch_to.new_window("tab")
        second = browser.driver.current_window_handle
        browser.open("/products")
        until("the second tab is connected", lambda: connected(browser), within=10)

        browser.driver.switch_to.window(first)
        browser.check_out()
        until("the order is completed", lambda: browser.status() == "completed", within=15)
        assert browser.words()[-1] == "Completed"
        # Kept before the log is read again: the driver gives each entry once.
        traffic = browser.traffic()
        browser.screenshots("cluster-order")
        order = Shop(cluster, user).orders()["items"][0]
        pushed = [at for at, push in traffic.pushes if push["orderId"] == order["id"]]
        assert pushed and pushed[0] - traffic.posts[0] < PUSHED_WITHIN

        browser.driver.switch_to.window(second)
        assert str(order["id"]) in browser.one("toast").text
        # Another order, posted by nobody's tab: both hear of it.
        later = Shop(cluster, user).ordered()
        for tab in (first, second):
            browser.driver.switch_to.window(tab)
            until("the tab shows the later order",
                  lambda: any(str(later["id"]) in toast.text for toast in browser.all("toast")),
                  within=10)
        assert browser.errors() == []

    until("both sockets have ended", lambda: len(hub_pods(cluster)) >= 2, within=10)
    pods = hub_pods(cluster)
    assert len(pods) == 2, "a tab had to reconnect"
    assert len(set(pods)) == 2, f"both tabs were on {pods[0]}"
    assert {row["status"] for row in outside.orders() if row["user"] == user} == {2}
