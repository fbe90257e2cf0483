"""The shop in a real browser over HTTPS: what a person does, sees, and must not see.

    sign in ──▶ search ──▶ cart ──▶ check out ──▶ Accepted … Completed, in every tab of the person

Each story uses the shop's data-testid names. That the completion came by push, and how fast, is
read from what the browser sent and received.
"""

import pytest

from support.browser import Browser, is_installed
from support.deadline import until
from support.server import ROOT
from support.shop import Shop, new_user
from support.tokens import token_for

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="no chromium and chromedriver here"),
    pytest.mark.skipif(not (ROOT / "web" / "index.html").exists(), reason="no shop here")]

PUSHED_WITHIN = 1.0


def shop_environment() -> dict:
    return {"CONTOSO_WEB": str(ROOT / "web")}


@pytest.fixture(scope="module")
def server(make_server):
    running = make_server("browser", environment=shop_environment()).start()
    yield running
    running.end()


@pytest.fixture(scope="module")
def browser(server):
    with Browser(server) as opened:
        yield opened


@pytest.fixture(autouse=True)
def storage(request):
    """Each story starts signed out, with an empty cart; and leaves no error in the console."""
    if "browser" not in request.fixturenames:
        yield
        return
    browser = request.getfixturevalue("browser")
    browser.open("/login")
    browser.driver.execute_script("localStorage.clear(); sessionStorage.clear()")
    browser.errors(), browser.traffic()
    yield
    assert browser.errors() == []


def test_an_order_of_two_products_is_completed_by_push_within_a_second(browser, server):
    user = new_user("buyer")
    browser.open("/login")
    browser.screenshots("sign-in")
    browser.sign_in(user)
    browser.one("product-card")
    browser.screenshots("products")
    browser.add("AZ-104")
    browser.add("AZ-900")
    until("the cart counts two", lambda: browser.one("cart-count").text == "2")
    browser.go_to_cart()
    assert len(browser.all("cart-line")) == 2
    browser.screenshots("cart")

    browser.review_order()
    browser.screenshots("checkout")
    browser.check_out()
    until("the order is completed", lambda: browser.status() == "completed", within=5)

    assert browser.words() == ["Accepted", "Processing", "Completed"]
    assert browser.seconds_to_completed() < PUSHED_WITHIN
    placed = Shop(server, user).orders()["items"]
    assert [item["productId"] for item in placed[0]["items"]] == ["AZ-104", "AZ-900"]
    traffic = browser.traffic()
    assert len(traffic.posts) == len(placed) == 1
    pushed_at, push = traffic.pushes[0]
    assert push == {"correlationId": {"value": placed[0]["correlationId"]}, "status": 2,
                    "orderId": placed[0]["id"]}
    assert pushed_at - traffic.posts[0] < PUSHED_WITHIN
    browser.screenshots("order")


def test_a_second_tab_shows_a_toast_and_another_person_sees_nothing(browser, server):
    user = new_user("buyer")
    browser.sign_in(user)
    first = browser.driver.current_window_handle
    browser.driver.switch_to.new_window("tab")
    browser.open("/products")
    until("the second tab is connected",
          lambda: browser.attribute("connection-pill", "data-state") == "connected")
    with Browser(server) as stranger:
        stranger_name = new_user("stranger")
        stranger.sign_in(stranger_name)

        order = Shop(server, user).ordered()

        assert str(order["id"]) in browser.one("toast").text
        # An order of the stranger's own marks the moment by which the other would have arrived.
        own = Shop(server, stranger_name).ordered()
        assert str(own["id"]) in stranger.one("toast").text
        assert len(stranger.all("toast")) == 1
        assert [push["orderId"] for _, push in stranger.traffic().pushes] == [own["id"]]
        assert stranger.errors() == []
    browser.driver.close()
    browser.driver.switch_to.window(first)


def test_a_reload_in_the_middle_of_an_order_catches_up(make_server):
    """No worker runs at first, so the order stays Accepted until the page has been reloaded."""
    server = make_server("reload", roles="accept,notification",
                         environment=shop_environment()).start()
    with Browser(server) as browser:
        browser.sign_in(new_user("buyer"))
        browser.add("AZ-900")
        browser.go_to_cart()
        browser.review_order()
        browser.check_out()
        assert browser.status() == "accepted"

        browser.screenshots("order-accepted")
        browser.driver.refresh()
        assert browser.status() == "accepted"
        server.stop()
        until("the lost connection shows",
              lambda: browser.attribute("connection-pill", "data-state") != "connected")
        browser.screenshots("disconnected")
        server.roles = "accept,process,notification"
        server.start()

        until("the order is completed", lambda: browser.status() == "completed", within=15)
        until("the connection is back",
              lambda: browser.attribute("connection-pill", "data-state") == "connected", within=15)
    server.end()


def test_an_order_can_be_deleted_after_a_question(browser, server):
    user = new_user("buyer")
    shop = Shop(server, user)
    kept, deleted = shop.ordered()["id"], shop.ordered(("AZ-104", 2))["id"]
    browser.sign_in(user)
    browser.open("/orders")
    browser.one("order-row", order_id=str(deleted))
    browser.screenshots("orders")

    browser.open(f"/orders/{deleted}")
    browser.click("order-delete")
    browser.click("confirm-delete")

    until("it is gone from the database", lambda: shop.get(f"/api/orders/{deleted}").status == 404)
    browser.open("/orders")
    browser.one("order-row", order_id=str(kept))
    assert not browser.all("order-row", order_id=str(deleted))


def test_search_and_filters_narrow_the_catalogue(browser):
    browser.sign_in(new_user("buyer"))
    browser.one("product-card")

    browser.type("search", "no such product at all")
    until("nothing is shown", lambda: not browser.all("product-card"))
    browser.type("search", "AZ-900")
    until("one is shown", lambda: len(browser.all("product-card")) == 1)


def test_the_theme_is_kept_over_a_reload(browser):
    browser.sign_in(new_user("buyer"))
    def shown():
        return browser.driver.execute_script(
            "return getComputedStyle(document.documentElement).colorScheme + "
            "getComputedStyle(document.body).backgroundColor")
    before = shown()
    browser.click("theme-toggle")
    until("the colours change", lambda: shown() != before)
    changed = shown()
    browser.one("product-card")
    browser.screenshots("products-other-theme")

    browser.driver.refresh()
    browser.one("product-card")

    assert shown() == changed


def test_signing_out_leaves_nothing_to_the_next_person(browser):
    browser.sign_in(new_user("buyer"))
    browser.click("sign-out")

    browser.one("sign-in-user")
    browser.open("/orders")
    browser.one("sign-in-user")
    assert token_for("x")[:10] not in browser.driver.execute_script(
        "return JSON.stringify(localStorage)")
