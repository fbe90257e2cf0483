// Claims about words, numbers, addresses and seeds.

import assert from "node:assert/strict";
import { test } from "node:test";
import { problemText } from "../../web/js/api.js";
import { generator, hashOf } from "../../web/js/badges.js";
import { baseOf, toAddress, toPath } from "../../web/js/base.js";
import { hubAddress, parseConfig } from "../../web/js/config.js";
import { cents, money, originalCents, parseMoment, perPeriod, plural, slug } from "../../web/js/format.js";
import { matchRoute } from "../../web/js/router.js";
import { isUsable } from "../../web/js/session.js";

test("money is euros with two decimals", () => {
    assert.equal(money(cents(39.99)), "€39.99");
    assert.equal(money(123_456), "€1,234.56");
});

test("the original price is derived from the discount", () => {
    assert.equal(originalCents(39.99, 30), 5_713);
    assert.equal(originalCents(50, 50), 10_000);
    for (const discount of [0, -5, 100, 150, undefined]) assert.equal(originalCents(19.99, discount), 1_999);
});

test("a moment without a zone is UTC", () => {
    assert.equal(parseMoment("2026-02-04T10:12:45.123").getTime(), Date.UTC(2026, 1, 4, 10, 12, 45, 123));
    assert.equal(parseMoment("2026-02-04T10:12:45.1234567Z").getTime(), Date.UTC(2026, 1, 4, 10, 12, 45, 123));
    assert.equal(parseMoment("2026-02-04T12:12:45+02:00").getTime(), Date.UTC(2026, 1, 4, 10, 12, 45));
});

test("counts, periods and vendor names", () => {
    assert.deepEqual([plural(0, "item"), plural(1, "item"), plural(2, "item")], ["0 items", "1 item", "2 items"]);
    assert.deepEqual([perPeriod("Monthly"), perPeriod("Annual"), perPeriod("Weekly")], ["/ month", "/ year", ""]);
    assert.equal(slug("Google Cloud!"), "google-cloud");
});

test("a problem is told by its validation messages, else its detail, else a default", () => {
    assert.equal(problemText(400, { errors: { items: ["One.", "Two."] }, detail: "no" }), "One. Two.");
    assert.equal(problemText(404, { detail: "Order not found." }), "Order not found.");
    assert.match(problemText(503, null), /problem right now/);
    assert.match(problemText(418, null), /418/);
});

test("addresses name their pages, and broken ones none", () => {
    assert.deepEqual(matchRoute("/products/AZ%20900"), { name: "product", params: { id: "AZ 900" } });
    assert.equal(matchRoute("/").name, "products");
    assert.equal(matchRoute("/orders/").name, "orders");
    for (const path of ["/nowhere", "/orders/1/2", "/products/%E0%A4%A"]) assert.equal(matchRoute(path).name, "notFound");
});

test("the hub is on the page's origin unless the configuration names another", () => {
    assert.equal(hubAddress("", "https://shop:8443", "a+b"), "wss://shop:8443/hubs/order-status?access_token=a%2Bb");
    assert.equal(hubAddress("http://hub:5007", "https://shop", "t"), "ws://hub:5007/hubs/order-status?access_token=t");
});

test("below a base path the shop's addresses carry it, and its paths do not", () => {
    assert.equal(baseOf("https://shop:8443/js/base.js"), "");
    assert.equal(baseOf("https://shop:8443/a/b/js/base.js"), "/a/b");
    assert.equal(toAddress("/orders/7?page=2", "/shop"), "/shop/orders/7?page=2");
    for (const [address, path] of [["/shop/orders", "/orders"], ["/shop/", "/"], ["/shop", "/"], ["/shopping", null], ["/orders", null]]) {
        assert.equal(toPath(address, "/shop"), path);
    }
    assert.equal(toPath("/orders/7", ""), "/orders/7");
});

test("a configuration with wrong types falls back value by value", () => {
    assert.deepEqual(parseConfig({ orderAcceptApiBaseUrl: "https://api/", signalRBaseUrl: 7 }),
        { apiBase: "https://api", hubBase: "", defaultUserId: "CUST-0001" });
    assert.equal(parseConfig(null).apiBase, "");
});

test("a session is usable with a user, a token and time left", () => {
    const session = { userId: "CUST-0001", token: "t", expiresAtUtc: "1970-01-01T00:00:01Z" };

    assert.deepEqual([999, 1_000, 1_001].map((now) => isUsable(session, now)), [true, false, false]);
    assert.ok(!isUsable({ ...session, token: "" }, 0));
    assert.ok(!isUsable({ ...session, userId: undefined }, 0));
    assert.ok(!isUsable({ ...session, expiresAtUtc: "soon" }, 0));
});

test("a badge's numbers depend on its seed alone", () => {
    assert.equal(hashOf("a"), 0xe40c292c);
    const numbers = () => Array.from({ length: 5 }, generator(hashOf("AWS/SAA-C03")));
    assert.deepEqual(numbers(), numbers());
    assert.ok(numbers().every((number) => number >= 0 && number < 1));
});
