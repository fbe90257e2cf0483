// Claims about record framing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { RecordReader, encodeRecord } from "../../web/js/hub-records.js";

const rs = "\u001e";

test("a record is JSON followed by the separator", () => {
    assert.equal(encodeRecord({ type: 6 }), `{"type":6}${rs}`);
});

test("a separator inside a value is escaped, so that it cannot end the record", () => {
    const text = encodeRecord({ value: `a${rs}b` });

    assert.equal(text.indexOf(rs), text.length - 1);
});

test("a stream gives the same records however it is split in two", () => {
    const stream = `{}${rs}{"type":6}${rs}{"type":1,"target":"é","arguments":[]}${rs}`;
    for (let split = 0; split <= stream.length; split += 1) {
        const reader = new RecordReader();

        const records = [...reader.append(stream.slice(0, split)), ...reader.append(stream.slice(split))];

        assert.deepEqual(records, ["{}", '{"type":6}', '{"type":1,"target":"é","arguments":[]}']);
    }
});

test("no prefix of a record is a record", () => {
    const record = `{"type":6}${rs}`;
    for (let length = 0; length < record.length; length += 1) {
        assert.deepEqual(new RecordReader().append(record.slice(0, length)), []);
    }
});

test("an unfinished record may be as long as the limit and no longer", () => {
    assert.deepEqual(new RecordReader({ lengthMax: 8 }).append("1234567"), []);
    assert.deepEqual(new RecordReader({ lengthMax: 8 }).append("12345678"), []);
    assert.throws(() => new RecordReader({ lengthMax: 8 }).append("123456789"), RangeError);
});
