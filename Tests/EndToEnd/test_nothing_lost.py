"""Nothing is lost and nothing happens twice: the short runs of Tests/NothingLost.

Each run is a process of its own, because it breaks much and must take all of it with it. Its table
is what pytest shows of a failure; its ledgers stay below .build/nothing-lost. CONTOSO_E2E_SEED
repeats the run whose seed was printed.
"""

import os
import subprocess
import sys

import pytest

from support.server import ROOT

HARNESS = ROOT / "Tests" / "NothingLost"
# From the start of the first server to the judgement, on a loaded machine.
RUN_WITHIN = 900


def run(*arguments: str) -> str:
    """What a program of the harness prints; it must end with 0."""
    ended = subprocess.run([sys.executable, *arguments], cwd=HARNESS, stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           timeout=RUN_WITHIN)
    print(ended.stdout)
    assert ended.returncode == 0, f"{' '.join(arguments)} ended with {ended.returncode}"
    return ended.stdout


def random_seed() -> list[str]:
    """The seed of the environment, else the harness's own choice, which it prints."""
    seed = os.environ.get("CONTOSO_E2E_SEED")
    return ["--seed", seed] if seed else []


def test_proxy_and_judge_do_what_they_say():
    run("-m", "unittest")


def test_ten_kills_of_one_process_lose_nothing():
    run("run.py", "--stage", "embedded", "--faults", "F1,F20,F22,F23", "--rounds", "10",
        *random_seed())


def test_a_crash_at_each_point_of_one_process_loses_nothing():
    run("run.py", "--stage", "embedded", "--crash-points", "--seed", "1")


def test_a_crash_at_each_point_of_the_cluster_loses_nothing():
    run("run.py", "--crash-points", "--seed", "1")


def test_faults_of_a_fixed_seed_lose_nothing():
    run("run.py", "--seed", "1")


def test_faults_of_a_random_seed_lose_nothing():
    run("run.py", *random_seed())


@pytest.mark.parametrize("control", ["relay-off", "ack-first", "no-owner-check"])
def test_a_broken_promise_is_noticed(control):
    run("run.py", "--stage", "embedded", "--control", control, "--seed", "1")
