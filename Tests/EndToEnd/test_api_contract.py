"""The acceptance cases A01-A18 of the order API, each once, against the running binary.

Each runs twice: on the embedded engines, and on PostgreSQL, RabbitMQ and Redis. The state store is
seen through the hub, the queue through what a server without a worker leaves in it.
Source: the .NET system's order-accept and the numbers of its test cases; docs/openapi.yaml.
"""

import pytest

from support.deadline import until
from support.hub_client import ACCEPTED, HubClient
from support.shop import Shop, assert_problem, new_user
from support.tokens import token_for

pytestmark = pytest.mark.parametrize("backing", ["embedded", "cluster"], indirect=True)

VALIDATION = "One or more validation errors occurred."


@pytest.fixture(scope="module")
def accepting(make_backed):
    """A server that answers the hub but never works on an order, with one product more."""
    running = make_backed("accepting", roles="accept,notification").start()
    running.records.insert_product(
        "IT-2550", "Black-box product", 2550, "https://images.example/it-2550.png")
    yield running
    running.end()


@pytest.fixture
def shop(accepting):
    return Shop(accepting)


def anonymous(server) -> Shop:
    return Shop(server, token="")


def test_A01_listing_products_without_a_token_is_401(accepting):
    assert_problem(anonymous(accepting).get("/api/products?offset=0&size=10"), 401, "Unauthorized")


def test_A02_a_negative_product_offset_is_400(shop):
    response = shop.get("/api/products?offset=-1&size=10")

    assert_problem(response, 400, "Bad Request", "Invalid pagination parameters.")


def test_A03_products_are_listed_in_the_order_they_were_added(shop):
    page = shop.get("/api/products?offset=0&size=10")
    assert page.status == 200
    assert page.header("Content-Type") == "application/json; charset=utf-8"
    total = page.json()["total"]
    last = shop.get(f"/api/products?offset={total - 1}&size=1").json()

    assert (page.json()["offset"], page.json()["size"], len(page.json()["items"])) == (0, 10, 10)
    assert [product["externalProductId"] for product in page.json()["items"]] == [
        "AZ-900", "AZ-104", "AZ-204", "AZ-305", "AZ-400", "AZ-500", "AZ-700", "AZ-800", "AZ-801",
        "AZ-140"]
    assert total == 146
    assert [product["externalProductId"] for product in last["items"]] == ["IT-2550"]


def test_A04_an_unknown_product_is_404(shop):
    assert_problem(shop.get("/api/products/NO-SUCH"), 404, "Not Found", "Product not found.")


def test_A05_a_product_is_found_by_its_id_with_its_price_to_the_cent(shop):
    response = shop.get("/api/products/IT-2550")

    assert response.status == 200
    product = response.json()
    assert product == {
        "externalProductId": "IT-2550", "name": "Black-box product", "category": "Testing",
        "vendor": "Nobody", "imageUrl": "https://images.example/it-2550.png", "discount": 0,
        "billingPeriod": "Monthly", "isSubscription": True, "price": 25.50}
    assert b'"price":25.50' in response.body.replace(b" ", b"")


def test_A06_an_invalid_line_is_400_with_both_errors(shop):
    response = shop.order(("", 0))

    problem = assert_problem(response, 400, VALIDATION)
    assert problem["errors"] == {
        "items[0].productId": ["ProductId is required."],
        "items[0].quantity": ["Quantity must be greater than 0."]}


def test_A07_an_order_of_an_unknown_product_is_404(shop):
    response = shop.order(("AZ-900", 1), ("NO-SUCH-1", 1), ("NO-SUCH-2", 1), ("NO-SUCH-1", 2))

    assert_problem(response, 404, "Not Found",
                   "One or more products were not found: NO-SUCH-1, NO-SUCH-2")
    assert shop.orders()["total"] == 0


def test_A08_a_valid_order_is_201_with_everything_the_shop_shows(shop):
    response = shop.order(("IT-2550", 2))

    assert response.status == 201
    order = response.json()
    assert order["id"] > 0
    assert len(order["correlationId"]) == 36
    assert order["correlationId"] == order["correlationId"].lower()
    assert order["createdAt"].endswith("Z")
    assert order["items"] == [{
        "productId": "IT-2550", "productName": "Black-box product",
        "imageUrl": "https://images.example/it-2550.png", "unitPrice": 25.50, "quantity": 2}]
    assert response.header("Location").endswith(f"/api/orders/{order['id']}")


def test_A09_deleting_an_order_of_somebody_else_is_403(shop, accepting):
    order = shop.ordered()
    stranger = Shop(accepting)
    stranger.ordered()

    response = stranger.delete(f"/api/orders/{order['id']}")

    assert_problem(response, 403, "Forbidden", "Order does not belong to the authenticated user.")
    assert shop.get(f"/api/orders/{order['id']}").status == 200


def test_A10_listing_orders_without_a_token_is_401(accepting):
    assert_problem(anonymous(accepting).get("/api/orders"), 401, "Unauthorized")


def test_A11_a_negative_order_offset_is_400(shop):
    assert_problem(shop.get("/api/orders?offset=-1"), 400, "Bad Request",
                   "Invalid pagination parameters.")


def test_A12_a_created_order_is_listed_once(shop):
    order = shop.ordered()

    page = shop.get("/api/orders?offset=0&size=10")

    assert page.status == 200
    assert [listed["id"] for listed in page.json()["items"]].count(order["id"]) == 1


def test_A13_order_number_zero_is_400(shop):
    assert_problem(shop.get("/api/orders/0"), 400, "Bad Request", "Invalid order id.")


def test_A14_an_unknown_order_is_404(shop):
    assert_problem(shop.get("/api/orders/999999"), 404, "Not Found", "Order not found.")


def test_A15_a_created_order_is_readable_at_once_without_any_worker(shop):
    order = shop.ordered(("AZ-104", 3))

    response = shop.get(f"/api/orders/{order['id']}")

    assert response.status == 200
    read = response.json()
    assert (read["id"], read["correlationId"]) == (order["id"], order["correlationId"])
    assert read["items"] == order["items"]
    assert read["createdAt"].endswith("Z")


def test_A16_an_owner_may_delete_an_order(shop):
    order = shop.ordered()

    response = shop.delete(f"/api/orders/{order['id']}")

    assert (response.status, response.body) == (204, b"")
    assert response.header("Content-Type") is None


def test_A17_a_token_without_a_subject_is_403(accepting):
    nobody = Shop(accepting, token=token_for(None))

    assert_problem(nobody.get("/api/orders"), 403, "Forbidden",
                   "Missing required identity claim (sub/nameidentifier).")


def test_A18_an_accepted_order_has_a_status_and_an_event_for_the_worker(shop, accepting):
    order = shop.ordered(("IT-2550", 2), ("AZ-900", 1))
    correlation = order["correlationId"]

    with HubClient(accepting, shop.user) as hub:
        status = hub.result("GetCurrentStatus", correlation)
    assert status == {"status": ACCEPTED, "orderId": None}

    def events():
        return [event for event in accepting.records.events("order.accepted")
                if event["CorrelationId"]["Value"] == correlation]
    until("the event of the order exists", events, within=2)
    assert events() == [{
        "CorrelationId": {"Value": correlation},
        "Order": {"CustomerId": shop.user, "Items": [
            {"ProductId": "IT-2550", "Quantity": 2}, {"ProductId": "AZ-900", "Quantity": 1}]}}]


def test_tokens_of_the_reference_suite_are_accepted(accepting):
    """Its tokens carry an issuer and an audience of its own, which symmetric mode never checked."""
    token = token_for(new_user(), iss="order-accept-it", aud="order-accept-it")

    assert Shop(accepting, token=token).get("/api/orders").status == 200
