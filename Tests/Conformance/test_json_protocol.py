"""J02 to J44: the JSON protocol from outside. Every vector both ways is a unit test.

    malformed ──▶ Close with leave to come back     unbindable ──▶ error completion, and on
"""

import json

import pytest

FATAL = [
    ("J09", "null"), ("J09", '"foo"'), ("J09", "[42]"), ("J09", "42"), ("J10", "{}"),
    ("J11", '{"type":"1"}'), ("J12", ""),
    ("J13", '{"type":1,"headers":{"Foo":42},"target":"t","arguments":[]}'),
    ("J14", '{"type":1}'), ("J14", '{"type":1,"target":"t"}'),
    ("J14", '{"type":1,"arguments":[]}'),
    ("J15", '{"type":1,"invocationId":42,"target":"t","arguments":[]}'),
    ("J16", '{"type":1,"target":42,"arguments":[]}'),
    ("J17", '{"type":1,"target":"t","arguments":{}}'),
    ("J18", '{"type":2}'), ("J18", '{"type":2,"invocationId":42}'),
    ("J18", '{"type":2,"invocationId":"1"}'),
    ("J19", '{"type":3}'), ("J19", '{"type":3,"invocationId":"1","error":[]}'),
    ("J19", '{"type":3,"invocationId":"1","error":"x","result":1}'),
    ("J20", '{"type":4}'), ("J20", '{"type":4,"target":"t","arguments":[]}'),
    ("J20", '{"type":4,"invocationId":"1","target":"t"}'),
    ("J20", '{"type":4,"invocationId":"1","arguments":[]}'),
    ("J21", '{"type":5}'), ("J21", '{"type":5,"invocationId":42}'),
    ("J22", '{"type":1,"target":"t","arguments":[],"streamIds":{}}'),
    ("J22", '{"type":1,"target":"t","arguments":[],"streamIds":[null]}'),
    ("J22", '{"type":1,"target":"t","arguments":[],"streamIds":[1]}'),
    ("J23", '{"type":8}'), ("J23", '{"type":8,"sequenceId":"a"}'),
    ("J23", '{"type":9}'), ("J23", '{"type":9,"sequenceId":"a"}'),
    ("J34", '{"type":1,"invocationId":"1","target":"Echo","arguments":[{"a":}]}'),
    ("J34", '{"type":1,"invocationId":"1","target":"Unknown","arguments":[1,]}'),
    ("J37", '{"type":1,"invocationId":"1","target":"Echo","arguments":' + "[" * 64 + "]" * 64
     + "}"),
    ("J38", '{"type":6,}'), ("J38", '{/* ping */"type":6}'),
    ("J44", '\ufeff{"type":6}'),
]


def send(client, *records: str) -> None:
    client.send_bytes(b"".join(record.encode() + b"\x1e" for record in records))


@pytest.mark.parametrize("record", [
    pytest.param(record, marks=pytest.mark.case(case), id=f"{case} {record[:40]}")
    for case, record in FATAL])
def test_a_malformed_record_ends_the_connection(client, log, record):
    send(client, record)

    assert client.until_end() == [{"type": 7, "error": "Connection closed with an error.",
                                   "allowReconnect": True}]
    assert client.transport.close_frame.close_code == 1000
    assert log.end_of(client.connection_id) != "-"


@pytest.mark.parametrize("record, result", [
    pytest.param('{"type":1,"headers":{"Foo":"Bar"},"invocationId":"1","target":"Echo",'
                 '"arguments":[1]}', 1, marks=pytest.mark.case("J02")),
    pytest.param('{"arguments":[2],"target":"Echo","invocationId":"1","headers":'
                 '{"K\\n":"V"},"type":1}', 2, marks=pytest.mark.case("J02", "J27")),
    pytest.param('{"arguments":["a","b"],"invocationId":"1","streamIds":[],"target":"Concat2",'
                 '"type":1}', "ab", marks=pytest.mark.case("J27")),
    pytest.param('{"x":{"type":6,"y":[{}]},"type":1,"invocationId":"1","z":[[1],{}],'
                 '"target":"Echo","arguments":[3],"w":null}', 3, marks=pytest.mark.case("J29")),
    pytest.param('{"type":1,"invocationId":"1","target":"Echo","arguments":[1,{"a":1}]}',
                 None, marks=pytest.mark.case("J24")),
    pytest.param('{"type":1,"invocationId":"1","target":"Length","arguments":[[4,5]]}'
                 ',"invocationId":"9"}', 2, marks=pytest.mark.case("J30")),
    pytest.param('{"type":1,"target":"Echo","invocationId":"2","arguments":[0],'
                 '"invocationId":"1","arguments":[7]}', 7, marks=pytest.mark.case("J42")),
    pytest.param('{"type":1,"invocationId":"1","target":"Echo","arguments":' + "[" * 63 + "]" * 63
                 + "}", "deep", marks=pytest.mark.case("J37")),
])
def test_an_unusual_record_is_understood(client, record, result):
    send(client, record)

    completion = client.completion("1")
    if result is None:
        assert completion["error"].startswith("Failed to invoke 'Echo'")
    elif result == "deep":
        assert json.dumps(completion["result"]).count("[") == 62
    else:
        assert completion["result"] == result


def texts(client) -> bytes:
    """The next batch as it came."""
    return client.transport.receive()


@pytest.mark.case("J03")
def test_a_whole_number_is_written_without_a_fraction(client):
    client.call("Divide", 4.0, 2.0)

    assert texts(client) == b'{"type":3,"invocationId":"0","result":2}\x1e'


@pytest.mark.case("J04")
def test_a_date_keeps_its_offset(client):
    date = "2016-05-10T13:51:20+12:34"

    assert client.result("Echo", date) == client.result("Concat2", date, "") == date


@pytest.mark.case("J06")
def test_text_is_written_raw_but_for_what_must_be_escaped(client):
    client.call("Concat2", "Grüße <&'>", '日本 🙂 "\\')

    assert texts(client) == ('{"type":3,"invocationId":"0","result":"Grüße <&\'>日本 🙂 '
                             '\\"\\\\"}\x1e').encode()


@pytest.mark.case("J07", "E79")
def test_members_are_read_in_any_case_and_written_in_camel_case(client):
    assert client.result("Point", {"X": 1, "y": 2, "LABEL": "p"}) == {
        "x": 2, "y": 1, "label": "p"}


@pytest.mark.case("J08")
@pytest.mark.parametrize("point", [{"x": 1, "y": 2}, {"x": 1, "y": 2, "label": None}])
def test_a_member_without_a_value_is_written_as_null(client, point):
    client.call("Point", point)

    assert b'"label":null' in texts(client)


@pytest.mark.parametrize("target, arguments", [
    pytest.param("Echo", [], marks=pytest.mark.case("J24", "E12")),
    pytest.param("Echo", [1, 2], marks=pytest.mark.case("J24", "E12")),
    pytest.param("Add", ["a", 1], marks=pytest.mark.case("J25", "E12")),
    pytest.param("Length", [["a"]], marks=pytest.mark.case("J25")),
    pytest.param("Point", [{"x": "1"}], marks=pytest.mark.case("J25"))])
def test_arguments_that_do_not_fit_are_an_error_of_the_call(client, target, arguments):
    assert client.error(target, *arguments) == (
        f"Failed to invoke '{target}' due to an error on the server.")
    assert client.result("Echo", 1) == 1


@pytest.mark.case("J26")
def test_arguments_that_do_not_fit_are_not_answered_without_an_id(client):
    client.tell("Echo")
    client.tell("Add", "a", 1)

    assert client.unasked() == []


@pytest.mark.case("J28")
def test_arguments_that_do_not_fit_may_stand_in_front_of_the_target(client):
    send(client, '{"arguments":["a","b"],"type":1,"invocationId":"1","target":"Add"}')

    assert client.completion("1")["error"].startswith("Failed to invoke 'Add'")
    assert client.result("Echo", 1) == 1


@pytest.mark.case("J27")
def test_an_item_and_a_result_may_stand_in_front_of_their_ids(client):
    upload = client.call("UploadConcat", streams=["s"])
    send(client, '{"item":"a","invocationId":"s","type":2}',
         '{"item":"b","type":2,"invocationId":"s"}', '{"type":3,"invocationId":"s"}')
    assert client.completion(upload)["result"] == "ab"

    asking = client.call("AskMe", "Value", 1)
    question = client.question()["invocationId"]
    send(client, f'{{"result":{{"a":[1]}},"invocationId":"{question}","type":3}}')
    assert client.completion(asking)["result"] == {"a": [1]}


@pytest.mark.case("J31")
@pytest.mark.parametrize("record", ['{"type":42}', '{"type":42,"target":7,"invocationId":[]}',
                                    '{"type":0}', '{"type":-1}'])
def test_an_unknown_type_is_passed_over(client, record):
    send(client, record)

    assert client.unasked() == []


@pytest.mark.case("J32", "E15")
def test_a_record_waits_for_its_separator(client):
    for byte in b'{"type":1,"invocationId":"1","target":"Echo","arguments":["\xc3\xa4"]}':
        client.send_bytes(bytes([byte])) if byte < 0x80 else client.transport.send(
            bytes([byte]), 2)
    client.listen(0.2)
    assert client.inbox == []

    client.send_bytes(b"\x1e")

    assert client.completion("1")["result"] == "ä"


@pytest.mark.case("J33")
def test_two_records_of_one_batch_both_run(client):
    send(client, '{"type":1,"invocationId":"1","target":"Echo","arguments":[1]}',
         '{"type":1,"invocationId":"2","target":"Echo","arguments":[2]}')

    assert [client.next()["invocationId"] for _ in range(2)] == ["1", "2"]


@pytest.mark.case("J36", "E50", "C14")
def test_a_completion_that_nobody_waits_for_is_passed_over(client):
    send(client, '{"type":3,"invocationId":"nobody","result":1}',
         '{"type":3,"invocationId":"nobody","error":"x"}', '{"type":3,"invocationId":"nobody"}')

    assert client.unasked() == []


@pytest.mark.case("J40")
def test_a_goodbye_with_other_members_is_a_goodbye(client, log):
    send(client, '{"extra":[1],"type":7,"allowReconnect":false}')

    assert client.until_end() == [{"type": 7}]
    assert log.end_of(client.connection_id) == "-"


@pytest.mark.case("J42")
def test_the_last_of_two_results_wins(client):
    asking = client.call("AskMe", "Value", 1)
    question = client.question()["invocationId"]
    send(client, f'{{"type":3,"invocationId":"{question}","result":null,"result":5}}')

    assert client.completion(asking)["result"] == 5


@pytest.mark.case("J43")
def test_an_empty_invocation_id_is_none(client):
    send(client, '{"type":1,"invocationId":"","target":"Echo","arguments":[1]}')

    assert client.unasked() == []
