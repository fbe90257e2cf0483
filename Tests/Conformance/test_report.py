"""The page's own tests: what counts as proven, and what does not."""

import pytest
from report.__main__ import complaints
from report.cases import Case, read_cases
from report.page import render
from report.proof import Proof, read_swift_log

LOG = """\
◇ Test run started.
◇ Test "a body that drips is cut" started.
✔ Test "a body that drips is cut" passed after 0.001 seconds.
✔ Test "other protocols are passed over, excluded ids are kept" passed after 0.1 seconds.
✔ Test "limits hold" with 3 test cases passed after 0.002 seconds.
✘ Test "one is broken" recorded an issue at Some.swift:7:9: Expectation failed: 1 == 2
✘ Test "one is broken" failed after 0.003 seconds with 1 issue.
✔ Test "twice" passed after 0.001 seconds.
✘ Test "twice" failed after 0.001 seconds with 1 issue.
➜ Test "left out" skipped: "no Redis"
✔ Test `raw name`() passed after 0.001 seconds.
✔ Test run with 7 tests passed after 1 second.
"""


def case(how: str, *claims: str, name: str = "N01") -> Case:
    return Case(name, how, "what happens", claims, "why not" if how == "n/a" else "")


def test_the_log_of_swift_test_is_read_by_claim():
    assert read_swift_log(LOG) == {
        "a body that drips is cut": "passed", "limits hold": "passed", "one is broken": "failed",
        "other protocols are passed over, excluded ids are kept": "passed",
        "twice": "failed", "left out": "missing", "raw name": "passed"}


@pytest.mark.parametrize("one, wire, result", [
    (case("wire"), {"a": "passed", "b": "passed"}, "passed"),
    (case("wire"), {"a": "passed", "b": "failed"}, "failed"),
    (case("wire"), {"a": "passed", "b": "skipped"}, "missing"),
    (case("wire"), {}, "missing"),
    (case("unit", "S: limits hold"), {}, "passed"),
    (case("unit", "S: limits hold", "S: one is broken"), {}, "failed"),
    (case("unit", "S: limits hold", "S: never written"), {}, "missing"),
    (case("wire+unit", "S: limits hold"), {}, "missing"),
    (case("wire+unit", "S: limits hold"), {"a": "passed"}, "passed"),
    (case("n/a"), {}, "n/a")])
def test_a_case_is_as_good_as_the_worst_of_its_proofs(one, wire, result):
    assert Proof({"N01": wire}, read_swift_log(LOG)).result(one) == result


def test_a_run_that_left_out_a_test_proves_none_of_its_cases(tmp_path):
    results = tmp_path / "results.json"
    results.write_text('{"N01": {"a": "passed"}, "N02": {"a": "passed"}}')

    proof = Proof.read({"N01": ["a"], "N02": ["a", "b"]}, results, tmp_path / "no log")

    assert proof.result(case("wire", name="N01")) == "passed"
    assert proof.result(case("wire", name="N02")) == "missing"


def test_what_is_not_accounted_for_is_named():
    cases = [case("wire", name="N01"), case("unit", "S: there", "S: not there", name="N02"),
             case("n/a", name="N03")]

    assert complaints(cases, {"N03", "Z99"}, {"S: there"}) == [
        "Z99: marked by a test, but no case", "N01: no test is marked with it",
        "N02: there is no unit test 'S: not there'",
        "N03: a test is marked with it, but it is proven by n/a"]


def test_the_page_counts_what_it_shows():
    page = render([case("wire", name="N01"), case("n/a", name="N02")],
                  Proof({"N01": {"test_a_b.py::x": "passed"}}))

    assert "**2 cases: 1 passed, 0 failed, 1 not applicable**" in page
    assert "| N01 | what happens | wire: a b | passed |" in page
    assert "| N02 | what happens | why not | n/a |" in page


def test_every_case_of_the_reference_is_there_in_its_order():
    counts = {"N": 28, "X": 50, "W": 20, "S": 11, "L": 10, "H": 26, "J": 44, "M": 22, "E": 87,
              "C": 18, "F": 19, "P": 9, "R": 33, "T": 20, "MV": 46, "RV": 22}

    assert [one.id for one in read_cases()] == [
        f"{group}{number:02}" for group, count in counts.items() for number in range(1, count + 1)]
