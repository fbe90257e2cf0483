"""What the reference's suite left open: limits, malformed bodies, repeats, CORS, foreign tokens.

Source: docs/openapi.yaml; the .NET system's texts and origins; RFC 9110 section 15.5.6 (405 and
Allow); Fetch Standard (CORS preflight).
"""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.http_wire import Wire, request
from support.shop import Shop, assert_problem
from support.tokens import sign, token_for

NAME_IDENTIFIER = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/nameidentifier"


# Who may ask


@pytest.mark.parametrize("token", [
    token_for("u", lifetime=-3600),
    token_for("u", key="some-other-key-0123456789-0123456789-xyz"),
    sign({"sub": "u", "exp": 4102444800}, header={"alg": "none", "typ": "JWT"}),
    token_for("u", nbf=4102444800),
    token_for("u")[:-4] + "AAAA",
    "not-a-token",
    "a.b.c",
], ids=["expired", "foreign key", "alg none", "not yet valid", "altered", "no token", "no base64"])
def test_a_token_that_proves_nothing_is_401(server, token):
    response = Shop(server, token=token).get("/api/orders")

    assert_problem(response, 401, "Unauthorized", "Unauthorized")
    assert response.header("WWW-Authenticate") is None


def test_the_subject_may_come_from_the_name_identifier_claim(server):
    token = token_for(None, **{NAME_IDENTIFIER: "by-name-identifier"})

    assert Shop(server, token=token).get("/api/orders").status == 200


def test_a_blank_subject_is_403(server):
    assert_problem(Shop(server, token=token_for("")).get("/api/orders"), 403, "Forbidden")


def test_users_that_differ_in_case_only_are_two_users(server):
    order = Shop(server, "Case-User").ordered()

    assert Shop(server, "case-user").get(f"/api/orders/{order['id']}").status == 404


def test_an_order_of_somebody_else_reads_as_absent(shop, server):
    order = shop.ordered()

    assert_problem(Shop(server).get(f"/api/orders/{order['id']}"), 404, detail="Order not found.")


def test_the_token_endpoint_signs_a_user_in(server):
    response = Shop(server, token="stale").post("/dev/token", {"userId": "  CUST-0001 "})

    assert response.status == 200
    assert response.json()["userId"] == "CUST-0001"
    assert response.json()["expiresAtUtc"].endswith("Z")
    assert Shop(server, token=response.json()["token"]).get("/api/orders").status == 200


def test_the_token_endpoint_refuses_a_blank_user(server):
    response = Shop(server, token="").post("/dev/token", {"userId": "  "})

    assert (response.status, response.json()) == (400, {"error": "userId is required"})


def test_health_needs_no_token(server):
    for path in ("/health/live", "/health/ready", "/healthz", "/health"):
        assert Shop(server, token="").get(path).status == 200, path


# Pages


@pytest.mark.parametrize("collection, default", [("products", 12), ("orders", 10)])
def test_a_page_has_between_1_and_100_rows(shop, collection, default):
    for query, status in (("size=0", 400), ("size=1", 200), ("size=100", 200), ("size=101", 400),
                          ("offset=0", 200), ("offset=2147483648", 400), ("size=ten", 400)):
        assert shop.get(f"/api/{collection}?{query}").status == status, query
    page = shop.get(f"/api/{collection}").json()
    assert (page["offset"], page["size"]) == (0, default)


def test_a_page_past_the_end_is_empty_and_knows_the_total(shop):
    page = shop.get("/api/products?offset=5000&size=10").json()

    assert page == {"offset": 5000, "size": 10, "total": 145, "items": []}


def test_orders_are_listed_newest_first(shop):
    ids = [shop.ordered()["id"] for _ in range(3)]

    assert [order["id"] for order in shop.orders()["items"]] == ids[::-1]


# Deleting


def test_deleting_twice_is_404_and_the_order_is_gone_from_the_list(shop):
    order = shop.ordered()

    assert shop.delete(f"/api/orders/{order['id']}").status == 204
    assert_problem(shop.delete(f"/api/orders/{order['id']}"), 404, detail="Order not found.")
    assert shop.orders() == {"offset": 0, "size": 100, "total": 0, "items": []}
    assert shop.get(f"/api/orders/{order['id']}").status == 404


def test_deleting_order_zero_is_400_and_a_word_is_no_route(shop):
    assert_problem(shop.delete("/api/orders/0"), 400, detail="Invalid order id.")
    assert shop.delete("/api/orders/seven").status == 404
    assert shop.get("/api/orders/9223372036854775808").status == 404


# Bodies


@pytest.mark.parametrize("body", [
    b"", b"{", b"[]", b"null", b'"text"', b"{\"items\":7}", b'{"items":[7]}',
    b'{"items":[{"productId":"AZ-900","quantity":"many"}]}',
    b'{"items":[{"productId":7,"quantity":1}]}',
    b'{"items":[{"productId":"AZ-900","quantity":1.5}]}',
    b'{"items":[{"productId":"AZ-900","quantity":2147483648}]}',
    b'{"items":[null]}', b'{"items":[{"productId":"AZ-900","quantity":1},]}',
    b'{"items":[{"productId":"\xff","quantity":1}]}',
    b'{"items":' + b"[" * 500 + b"]" * 500 + b"}",
])
def test_a_body_that_is_no_order_is_400(shop, body):
    response = shop.call("POST", "/api/orders", body, Content_Type="application/json")

    assert_problem(response, 400)
    assert_tells_nothing_internal(response)


@pytest.mark.parametrize("content, errors", [
    ({}, {"items": ["Items collection is required.",
                    "At least one order item is required."]}),
    ({"items": None}, {"items": ["Items collection is required.",
                                 "At least one order item is required."]}),
    ({"items": []}, {"items": ["At least one order item is required."]}),
    ({"items": [{"productId": " ", "quantity": -1}]},
     {"items[0].productId": ["ProductId is required."],
      "items[0].quantity": ["Quantity must be greater than 0."]}),
    ({"items": [{"productId": "AZ-900", "quantity": 1}, {"productId": None}]},
     {"items[1].productId": ["ProductId is required."],
      "items[1].quantity": ["Quantity must be greater than 0."]}),
], ids=["nothing", "null", "empty", "blank", "second line"])
def test_an_invalid_order_names_each_fault(shop, content, errors):
    assert assert_problem(shop.post("/api/orders", content), 400)["errors"] == errors


def test_member_names_may_have_any_case_and_unknown_members_are_ignored(shop):
    response = shop.post("/api/orders", {"CustomerId": "someone-else", "ITEMS": [
        {"ProductId": "AZ-900", "QUANTITY": "2", "colour": {"deep": [1]}}]})

    assert response.status == 201
    assert response.json()["items"][0]["quantity"] == 2
    assert shop.orders()["total"] == 1


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", ""])
def test_another_media_type_is_415(shop, media_type):
    body = b'{"items":[{"productId":"AZ-900","quantity":1}]}'

    assert_problem(shop.call("POST", "/api/orders", body, Content_Type=media_type), 415)


def test_a_huge_body_is_413_before_it_is_sent(shop, server):
    with Wire(server.http) as wire:
        wire.send(b"POST /api/orders HTTP/1.1\r\nHost: localhost\r\n"
                  b"Content-Type: application/json\r\nContent-Length: 1000000000\r\n"
                  b"Authorization: Bearer " + shop.token.encode() + b"\r\n\r\n")

        assert_problem(wire.read_response(), 413)


def test_over_long_ids_are_refused_without_an_accident(shop):
    assert shop.order(("X" * 100, 1)).status in (400, 404)
    assert shop.get("/api/products/" + "X" * 1000).status in (400, 404)
    over_long_user = Shop(shop.server, "u" * 1000).order()
    assert over_long_user.status in (400, 403)
    assert_tells_nothing_internal(over_long_user)


def test_configured_limits_hold_to_the_unit(new_server):
    server = new_server(environment={
        "CONTOSO_LIMITS__ORDER_ITEMS": "3", "CONTOSO_LIMITS__QUANTITY": "5",
        "CONTOSO_LIMITS__BODY": "1024"}).start()
    shop = Shop(server)

    assert shop.order(*[("AZ-900", 1)] * 3).status == 201
    assert "items" in assert_problem(shop.order(*[("AZ-900", 1)] * 4), 400)["errors"]
    assert shop.order(("AZ-900", 5)).status == 201
    assert "items[0].quantity" in assert_problem(shop.order(("AZ-900", 6)), 400)["errors"]
    body = b'{"items":[{"productId":"AZ-900","quantity":1}]}'
    for size, status in ((1024, 201), (1025, 413)):
        padded = body + b" " * (size - len(body))
        assert shop.call("POST", "/api/orders", padded,
                         Content_Type="application/json").status == status, size


# Repeats


def test_the_same_key_and_body_give_the_same_order(shop):
    first = shop.order(("AZ-900", 2), Idempotency_Key="once")
    again = shop.order(("AZ-900", 2), Idempotency_Key="once")

    assert first.status == 201
    assert again.status in (200, 201)
    assert again.json() == first.json()
    assert shop.orders()["total"] == 1


def test_the_same_key_with_another_body_is_409(shop):
    shop.ordered(("AZ-900", 2), Idempotency_Key="once")

    assert_problem(shop.order(("AZ-900", 3), Idempotency_Key="once"), 409, "Conflict")
    assert shop.orders()["total"] == 1


def test_a_key_belongs_to_its_user(shop, server):
    mine = shop.ordered(Idempotency_Key="shared")
    theirs = Shop(server).ordered(Idempotency_Key="shared")

    assert mine["id"] != theirs["id"]


def test_one_key_used_by_many_at_once_makes_one_order(shop):
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.order(Idempotency_Key="race"), range(16)))

    assert {answer.status for answer in answers} <= {200, 201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert shop.orders()["total"] == 1


def test_a_new_user_may_post_many_orders_at_once(shop):
    with ThreadPoolExecutor(8) as pool:
        statuses = [answer.status for answer in pool.map(lambda _: shop.order(), range(16))]

    assert statuses == [201] * 16
    assert shop.orders()["total"] == 16


@pytest.mark.parametrize("key, status", [
    ("k" * 64, 201), ("k" * 65, 400), ("with blank", 400), ("", 400)])
def test_a_key_has_1_to_64_visible_characters(shop, key, status):
    assert shop.order(Idempotency_Key=key).status == status


# Methods, paths, headers


@pytest.mark.parametrize("method, path, allowed", [
    ("PUT", "/api/orders", {"GET", "POST"}), ("POST", "/api/products", {"GET"}),
    ("PATCH", "/api/orders/1", {"GET", "DELETE"}), ("GET", "/dev/token", {"POST"}),
    ("GET", "/hubs/order-status/negotiate", {"POST"})])
def test_a_wrong_method_is_405_with_the_right_ones(server, method, path, allowed):
    response = Shop(server, token="").call(method, path)

    assert response.status == 405
    listed = {name.strip() for name in response.header("Allow").split(",")}
    assert allowed <= listed <= allowed | {"HEAD", "OPTIONS"}


def test_an_unknown_api_path_is_404_without_a_token(server):
    assert Shop(server, token="").get("/api/no-such-thing").status == 404


def test_paths_ignore_case_and_one_trailing_slash(shop):
    assert shop.get("/API/Products").status == 200
    assert shop.get("/api/products/").status == 200
    assert shop.get("/api/products/az-700").json()["externalProductId"] == "AZ-700"


def test_head_answers_like_get_without_a_body(shop):
    got = shop.get("/api/products?size=5")
    head = shop.call("HEAD", "/api/products?size=5")

    assert (head.status, head.body) == (200, b"")
    assert head.header("Content-Length") == str(len(got.body))


def test_an_accepted_order_names_its_correlation_id_in_a_header(shop):
    response = shop.order()

    assert response.header("X-Correlation-Id") == response.json()["correlationId"]


def test_a_problem_names_the_request_it_answers(shop):
    problem = assert_problem(shop.get("/api/products?offset=-1&size=0"), 400)

    assert problem["instance"] == "/api/products?offset=-1&size=0"
    assert len(problem["traceId"]) == 55 and problem["traceId"].startswith("00-")


@pytest.mark.parametrize("path, method, credentials", [
    ("/api/orders", "POST", None), ("/api/orders/1", "DELETE", None),
    ("/hubs/order-status/negotiate", "POST", "true"), ("/dev/token", "POST", "true")])
def test_a_preflight_of_the_shop_is_granted(server, path, method, credentials):
    response = request(server.http, "OPTIONS", path, {
        "Origin": "http://localhost:4200", "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers":
            "authorization,content-type,x-requested-with,x-signalr-user-agent"})

    assert response.status == 204
    assert response.header("Access-Control-Allow-Origin") == "http://localhost:4200"
    assert response.header("Access-Control-Allow-Credentials") == credentials
    assert method in response.header("Access-Control-Allow-Methods")
    granted = {name.strip().lower()
               for name in response.header("Access-Control-Allow-Headers").split(",")}
    assert {"authorization", "content-type", "x-requested-with", "x-signalr-user-agent"} <= granted


@pytest.mark.parametrize("path", ["/api/orders", "/hubs/order-status/negotiate"])
def test_a_foreign_origin_is_granted_nothing(server, path):
    response = request(server.http, "OPTIONS", path, {
        "Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"})

    assert response.header("Access-Control-Allow-Origin") is None


def test_an_error_can_be_read_by_the_shop_of_another_origin(server):
    response = Shop(server, token="").get("/api/orders", Origin="http://localhost:4200")

    assert response.status == 401
    assert response.header("Access-Control-Allow-Origin") == "http://localhost:4200"
    assert "origin" in response.header("Vary").lower()


def assert_tells_nothing_internal(response) -> None:
    text = json.dumps(response.json()).lower()
    for word in ("sqlite", "select ", "exception", "swift", ".swift", "fatal", "stack"):
        assert word not in text, response
