"""C01 to C15: a hub asks one client and waits for its answer.

    hub ── type 1 with an id ──▶ client ── type 3 with it ──▶ the method that waits
"""

import pytest

EVERY_CONNECTION = pytest.mark.parametrize("transport, protocol", [
    ("WebSockets", "json"), ("WebSockets", "messagepack"), ("ServerSentEvents", "json"),
    ("LongPolling", "json"), ("LongPolling", "messagepack")])


@pytest.mark.case("C01", "T06")
@EVERY_CONNECTION
def test_the_answer_of_a_client_is_the_result_of_the_wait(connect, server, transport, protocol):
    client = connect(server, transport=transport, protocol=protocol)
    asking = client.call("AskMe", "Value", {"a": [1, None]})

    question = client.question()
    assert question["target"] == "Value"
    assert question["arguments"] == [{"a": [1, None]}]
    client.answer(question, result=["b", 2])

    assert client.completion(asking)["result"] == ["b", 2]


@pytest.mark.case("C01")
@pytest.mark.parametrize("asker, asked", [("json", "messagepack"), ("messagepack", "json")])
def test_a_question_is_translated_between_protocols(connect, server, asker, asked):
    asks, answers = connect(server, protocol=asker), connect(server, protocol=asked)
    asking = asks.call("Ask", answers.connection_id, "Value", {"a": [1, None, "ä"]})

    question = answers.question()
    assert question["arguments"] == [{"a": [1, None, "ä"]}]
    answers.answer(question, result={"b": 2.5})

    assert asks.completion(asking)["result"] == {"b": 2.5}


@pytest.mark.case("C02")
def test_the_error_of_a_client_is_thrown_in_the_hub(client):
    asking = client.call("AskMe", "Value", 1)
    client.answer(client.question(), error="Client didn't provide a result.")

    assert "Client didn't provide a result." in client.completion(asking)["error"]


@pytest.mark.case("C03")
@pytest.mark.parametrize("answer", ["text", None, [1], 1.5])
def test_an_answer_of_another_type_is_an_error(client, answer):
    asking = client.call("AskMeInt", "Value")
    client.answer(client.question(), result=answer)

    assert "error" in client.completion(asking)
    assert client.result("Echo", 1) == 1


@pytest.mark.case("C05")
def test_only_who_was_asked_can_answer(connect, server, client):
    asked, stranger = connect(server), connect(server)
    asking = client.call("Ask", asked.connection_id, "Value", 1)
    question = asked.question()

    stranger.answer(question, result="forged")
    assert stranger.result("Echo", 1) == 1
    asked.answer(question, result="genuine")

    assert client.completion(asking)["result"] == "genuine"


@pytest.mark.case("C06")
def test_nobody_cannot_be_asked(client):
    assert "Connection 'unknown' does not exist." in client.error("Ask", "unknown", "Value", 1)


@pytest.mark.case("C07")
@pytest.mark.parametrize("transport", ["WebSockets", "ServerSentEvents", "LongPolling"])
def test_a_client_that_leaves_instead_of_answering_is_an_error(
        connect, server, client, transport):
    asked = connect(server, transport=transport)
    asking = client.call("Ask", asked.connection_id, "Value", 1)
    asked.question()

    asked.transport.stop()

    assert f"Connection '{asked.connection_id}' disconnected." in (
        client.completion(asking)["error"])


@pytest.mark.case("C08")
def test_a_wait_may_be_cancelled_and_a_late_answer_is_passed_over(client, log):
    asking = client.call("AskCancelled", "Value", "C08")
    question = client.question()

    log.client.result("OpenGate", "C08")

    assert "Invocation canceled by the server." in client.completion(asking)["error"]
    client.answer(question, result=1)
    assert client.unasked() == []


@pytest.mark.case("C10")
def test_two_calls_may_wait_for_one_client(client):
    first, second = client.call("AskMe", "First", 1), client.call("AskMe", "Second", 2)

    questions = [client.question(), client.question()]
    assert [each["target"] for each in questions] == ["First", "Second"]
    for each in reversed(questions):
        client.answer(each, result=each["target"])

    assert client.completion(first)["result"] == "First"
    assert client.completion(second)["result"] == "Second"


@pytest.mark.case("C11")
def test_another_call_runs_while_a_hub_waits_for_its_client(client):
    asking = client.call("AskMe", "Value", 1)
    question = client.question()

    assert client.result("Echo", 2) == 2

    client.answer(question, result=3)
    assert client.completion(asking)["result"] == 3


@pytest.mark.case("C12")
def test_two_waits_of_one_method_have_ids_of_their_own(client):
    asking = client.call("AskMeTwice", "Value")
    questions = [client.question(), client.question()]

    assert questions[0]["invocationId"] != questions[1]["invocationId"]
    client.answer(questions[1], result="second")
    client.answer(questions[0], result="first")

    assert sorted(client.completion(asking)["result"]) == ["first", "second"]


@pytest.mark.case("C15")
def test_a_hub_may_ask_in_a_call_that_nobody_waits_for(client):
    client.tell("AskMe", "Value", 1)
    client.answer(client.question(), result=1)

    assert client.unasked() == []


@pytest.mark.case("C01")
def test_an_answer_without_a_result_is_null(client):
    asking = client.call("AskMe", "Value", 1)
    client.answer(client.question())

    assert client.completion(asking)["result"] is None
