// Claims about search, filters, order and pages of the catalogue.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
    Catalogue, defaultQuery, facetCounts, filterProducts, formatQuery, matchesSearch, pageOf, pagerNumbers, parseQuery, sortProducts,
} from "../../web/js/catalogue.js";

const product = (externalProductId, vendor, category, name, price, discount) =>
    ({ externalProductId, vendor, category, name, price, discount });
const products = [
    product("AZ-900", "Microsoft", "Cloud", "Azure Fundamentals", 20, 10),
    product("AZ-700", "Microsoft", "Networking", "Network Engineer", 60, 50),
    product("200-301", "Cisco", "Networking", "CCNA Résumé", 40, 50),
];
const ids = (list) => list.map(({ externalProductId }) => externalProductId);

test("a search looks at name, vendor and id, in any case, without accents, for all words", () => {
    assert.ok(matchesSearch(products[0], "az-900"));
    assert.ok(matchesSearch(products[0], "MICRO fund"));
    assert.ok(matchesSearch(products[2], "resume cisco"));
    assert.ok(matchesSearch(products[0], "  "));
    assert.ok(!matchesSearch(products[0], "azure network"));
});

test("filters work together", () => {
    assert.deepEqual(ids(filterProducts(products, { vendor: "Microsoft", category: "Networking" })), ["AZ-700"]);
});

test("counts of a filter follow the other filters and not itself", () => {
    const query = { ...defaultQuery, vendor: "Cisco" };

    assert.deepEqual(facetCounts(products, query, "vendor"), [["Cisco", 1], ["Microsoft", 2]]);
    assert.deepEqual(facetCounts(products, query, "category"), [["Networking", 1]]);
});

test("the chosen value stays listed when nothing is left of it", () => {
    const query = { ...defaultQuery, vendor: "Cisco", search: "azure" };

    assert.deepEqual(facetCounts(products, query, "vendor"), [["Cisco", 0], ["Microsoft", 1]]);
});

test("orders: featured is the server's, equal discounts put the bigger saving first", () => {
    assert.deepEqual(ids(sortProducts(products, "featured")), ["AZ-900", "AZ-700", "200-301"]);
    assert.deepEqual(ids(sortProducts(products, "name")), ["AZ-900", "200-301", "AZ-700"]);
    assert.deepEqual(ids(sortProducts(products, "price-up")), ["AZ-900", "200-301", "AZ-700"]);
    assert.deepEqual(ids(sortProducts(products, "price-down")), ["AZ-700", "200-301", "AZ-900"]);
    assert.deepEqual(ids(sortProducts(products, "discount")), ["AZ-700", "200-301", "AZ-900"]);
});

test("a page past the end is the last page", () => {
    const items = Array.from({ length: 25 }, (_, index) => index);

    assert.deepEqual(pageOf(items, 3, 12), { items: [24], page: 3, pageCount: 3, start: 24 });
    assert.equal(pageOf(items, 4, 12).page, 3);
    assert.equal(pageOf(items.slice(0, 24), 3, 12).pageCount, 2);
    assert.deepEqual(pageOf([], 1, 12), { items: [], page: 1, pageCount: 1, start: 0 });
});

test("a pager shows at most seven places and always the current page", () => {
    assert.deepEqual(pagerNumbers(1, 7), [1, 2, 3, 4, 5, 6, 7]);
    assert.deepEqual(pagerNumbers(5, 13), [1, null, 4, 5, 6, null, 13]);
    for (let page = 1; page <= 13; page += 1) {
        assert.ok(pagerNumbers(page, 13).includes(page));
        assert.equal(pagerNumbers(page, 13).length, 7);
    }
});

test("a query survives the address bar, nonsense in it does not", () => {
    const query = { search: "az & 900", vendor: "Microsoft", category: "IT", sort: "name", size: 48, page: 2 };

    assert.deepEqual(parseQuery(new URLSearchParams(formatQuery(query))), query);
    assert.equal(formatQuery(defaultQuery), "");
    assert.deepEqual(parseQuery(new URLSearchParams("size=13&page=-1&sort=random")), defaultQuery);
});

test("the catalogue is loaded page by page, once, and again only after a failure", async () => {
    const asked = [];
    const api = {
        async products({ offset, size }) {
            asked.push(offset);
            if (asked.length === 1) throw new Error("down");
            const items = Array.from({ length: Math.min(size, 145 - offset) }, (_, index) => ({ externalProductId: `${offset + index}` }));
            return { offset, size, total: 145, items };
        },
    };
    const catalogue = new Catalogue(api);

    await assert.rejects(catalogue.load());
    const loaded = await catalogue.load();
    await catalogue.load();

    assert.equal(loaded.length, 145);
    assert.deepEqual(asked, [0, 0, 100]);
});
