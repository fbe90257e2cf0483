// Claims about the cart.

import assert from "node:assert/strict";
import { test } from "node:test";
import { Cart, addLine, fingerprint, orderItems, parseLines, removeLine, setQuantity, totals } from "../../web/js/cart.js";
import { FakeStorage } from "./fakes.mjs";

const line = (productId, quantity, more = {}) =>
    ({ productId, name: productId, vendor: "AWS", price: 39.99, discount: 0, billingPeriod: "Monthly", quantity, ...more });
const product = { externalProductId: "AZ-900", name: "Azure", vendor: "Microsoft", category: "Cloud", billingPeriod: "Annual", price: 199.9, discount: 20 };

test("the same product makes one line", () => {
    const lines = addLine(addLine([line("A", 1)], line("B", 2)), line("A", 3));

    assert.deepEqual(orderItems(lines), [{ productId: "A", quantity: 4 }, { productId: "B", quantity: 2 }]);
});

test("a quantity is 1 to 99, and zero removes the line", () => {
    const lines = [line("A", 1)];

    assert.equal(setQuantity(lines, "A", 98)[0].quantity, 98);
    assert.equal(setQuantity(lines, "A", 99)[0].quantity, 99);
    assert.equal(setQuantity(lines, "A", 100)[0].quantity, 99);
    assert.deepEqual(setQuantity(lines, "A", 0), []);
    assert.deepEqual(removeLine(lines, "B"), lines);
});

test("totals are exact to the cent where binary fractions are not", () => {
    const sum = totals([line("A", 3, { price: 0.1 }), line("B", 1, { price: 0.2 })]);

    assert.equal(sum.total, 50);
    assert.equal(sum.count, 4);
});

test("the saving is the difference to the original prices, and renewals are told apart", () => {
    const sum = totals([line("A", 2, { price: 70, discount: 30 }), line("B", 1, { price: 200, billingPeriod: "Annual" })]);

    assert.deepEqual(sum, { count: 3, total: 34_000, original: 40_000, saving: 6_000, monthly: 14_000, annual: 20_000 });
});

test("carts that make the same order have the same fingerprint", () => {
    assert.equal(fingerprint([line("A", 1), line("B", 2)]), fingerprint([line("B", 2), line("A", 1)]));
    assert.notEqual(fingerprint([line("A", 1)]), fingerprint([line("A", 2)]));
});

test("what is not a line is left out of what storage holds", () => {
    const good = line("A", 1);

    assert.deepEqual(parseLines({ lines: [good, null, {}, line("B", 0), line("C", 1.5), line("D", 100)] }), [good]);
    assert.deepEqual(parseLines(null), []);
    assert.deepEqual(parseLines({ lines: "no" }), []);
});

test("a cart survives a reload and belongs to its user", () => {
    const storage = new FakeStorage();
    const cart = new Cart({ storage });
    cart.use("CUST-0001");
    cart.add(product, 2);

    const reloaded = new Cart({ storage });
    reloaded.use("CUST-0001");
    assert.equal(reloaded.lines[0].quantity, 2);
    reloaded.use("CUST-0002");
    assert.deepEqual(reloaded.lines, []);
});

test("two tabs that add at the same time lose nothing", () => {
    const storage = new FakeStorage();
    const [first, second] = [new Cart({ storage }), new Cart({ storage })];
    first.use("CUST-0001");
    second.use("CUST-0001");

    first.add(product);
    second.add(product);
    first.storageChanged({ key: "contoso.cart.v1.CUST-0001" });

    assert.equal(second.lines[0].quantity, 2);
    assert.equal(first.lines[0].quantity, 2);
});
