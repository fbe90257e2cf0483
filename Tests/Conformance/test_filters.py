"""P01 to P08: filters around connecting, calls and leaving; two of all hubs, one of this hub.

    g1 ▶ g2 ▶ h ▶ method ▶ h ▶ g2 ▶ g1      each writes down what it has been asked to let through
"""

import pytest
from support.deadline import until


def marks(log, *kinds: str) -> list[str]:
    """The names of the filters that wrote one of the lines, in order."""
    return [line.split(":")[0] for line in log.lines()
            if line.partition(":")[2].split(" ")[0] in kinds and line[0] in "gh"]


@pytest.fixture
def filtered(connect, server):
    return connect(server, "/filtered")


@pytest.mark.case("P01", "P02")
def test_each_filter_is_asked_once_from_the_outside_in(log, connect, server):
    client = connect(server, "/filtered")
    client.result("Add", 1, 2)
    client.transport.stop()
    log.end_of(client.connection_id)
    until("all have seen it go", lambda: len(marks(log, "disconnect")) >= 3)

    assert marks(log, "connect") == ["g1", "g2", "h"]
    assert marks(log, "invoke:Add") == ["g1", "g2", "h"]
    assert sorted(marks(log, "disconnect")) == ["g1", "g2", "h"]


@pytest.mark.case("P03")
def test_a_filter_may_answer_in_place_of_the_method(log, filtered):
    assert filtered.invoke("Skip") == {"type": 3, "invocationId": "0", "result": None}


@pytest.mark.case("P04")
def test_a_filter_may_change_a_result(filtered):
    assert filtered.result("Echo", "Hello") == "Hello!"
    assert filtered.result("Echo", 1) == 1


@pytest.mark.case("P06")
def test_a_filter_may_swallow_an_error(filtered):
    assert filtered.invoke("FilteredThrow") == {
        "type": 3, "invocationId": "0", "result": None}
    assert "error" in filtered.invoke("Throw", "x")


@pytest.mark.case("P07")
def test_the_filters_of_one_hub_are_not_those_of_others(log, client):
    assert client.result("Echo", "Hello") == "Hello"

    assert "h" not in marks(log, "invoke:Echo", "connect")


@pytest.mark.case("P08")
def test_a_filter_is_around_the_start_of_a_stream(log, filtered):
    assert filtered.items(filtered.stream("Counter", 3))[0] == [0, 1, 2]

    assert marks(log, "invoke:Counter") == ["g1", "g2", "h"]
