"""The part of the Autobahn run that judges: which reports are good, and what a run without Python says."""

import subprocess
import sys

import pytest

from support.server import ROOT

sys.path.insert(0, str(ROOT / "Tests" / "Autobahn"))

from suite import page, verdict  # noqa: E402


def report(full: bool = False) -> dict:
    """What index.json holds after a run without a fault."""
    cases = {f"{section}.99.{number}": {"behavior": "OK", "behaviorClose": "OK"}
             for section, count in verdict.counts(full).items()
             for number in range(1, count + 1)}
    # Section 7 with its real names for those that are informational.
    for name, stand_in in zip(sorted(verdict.INFORMATIONAL), ["7.99.1", "7.99.2", "7.99.3"]):
        cases.pop(stand_in)
        cases[name] = {"behavior": "INFORMATIONAL", "behaviorClose": "INFORMATIONAL"}
    return cases


@pytest.mark.parametrize("full, count", [(False, 301), (True, 517)])
def test_a_run_without_a_fault_passes_with_every_case(full, count):
    cases = report(full)

    judged = verdict.judge(cases, full)

    assert judged.failures == []
    assert judged.passed == count == len(cases)


@pytest.mark.parametrize("behavior, closing", [
    ("FAILED", "OK"), ("NON-STRICT", "OK"), ("UNIMPLEMENTED", "OK"), ("INFORMATIONAL", "OK"),
    ("OK", "FAILED"), ("OK", "WRONG CODE"), ("OK", "UNCLEAN")])
def test_one_case_that_is_not_strictly_good_is_a_failure(behavior, closing):
    cases = report()
    cases["6.99.7"] = {"behavior": behavior, "behaviorClose": closing}

    judged = verdict.judge(cases, False)

    assert judged.failures == [f"6.99.7: {behavior}, close {closing}"]
    assert judged.passed == 300


def test_a_missing_case_is_a_failure():
    cases = report()
    del cases["9.99.3"]

    assert verdict.judge(cases, False).failures == ["section 9: a case is missing"]


def test_a_run_of_nothing_is_no_success():
    judged = verdict.judge({}, True)

    assert judged.passed == 0 and len(judged.failures) == 517


def test_the_page_counts_each_section_of_each_transport():
    judged = verdict.judge(report(True), True)

    text = page.write({"ws": judged, "wss": judged}, "25.10.1")

    assert "**1034 passed, 0 failed**" in text
    assert "| 7 | Closing handshake | 37 | 34 | 3 | 0 | 0 | 34 | 3 | 0 | 0 |" in text


def test_without_python_2_7_the_run_says_so_loudly_and_counts_every_case():
    done = subprocess.run([ROOT / "scripts" / "autobahn"], capture_output=True, text=True,
                          env={"PATH": "/usr/bin:/bin", "PYTHON27": "", "HOME": "/nonexistent"})

    if "skipped: no Python 2.7" not in done.stdout:
        pytest.skip("this machine has Python 2.7 among its own programs")
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "0 passed, 0 failed, 602 skipped"
