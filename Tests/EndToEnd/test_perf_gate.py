"""The parts of the performance gate that judge: what it reads in a profile, and its verdicts."""

import json
import sys

import pytest

from support.server import ROOT

sys.path.insert(0, str(ROOT / "Benchmarks" / "Gate"))

from gate import counts, verdict  # noqa: E402
from gate.profile import Profile  # noqa: E402

# One broadcast to four connections, cut down to the lines that matter. Function 2 allocates once and
# retains twice; OpenSSL (object 3) allocates four times; realloc calls malloc itself.
DUMP = """\
# callgrind format
version: 1
creator: callgrind-3.19.0
pid: 7
cmd:  ./contoso serve
part: 1

desc: Trigger: Client Request: dump
positions: line
events: Ir
summary: 4321

ob=(1) /srv/contoso
fl=(1) Sources/Hub/Invocation/Delivery.swift
fn=(2) $s3Hub7deliver
14 100
cob=(2) /usr/lib/x86_64-linux-gnu/libc.so.6
cfi=(2) malloc.c
cfn=(3) malloc
calls=1 0
15 80
cob=(4) /usr/lib/libswiftCore.so
cfn=(5) swift_retain
calls=2 0
16 10
cob=(4)
cfn=(6) swift_bridgeObjectRelease
calls=1 0
17 30
cob=(2)
cfn=(7) __send@@GLIBC_2.2.5
calls=4 0
18 400

ob=(4)
fn=(6)
20 10
cfn=(8) swift_release
calls=1 0
21 10

ob=(3) /usr/lib/x86_64-linux-gnu/libcrypto.so.3
fn=(9) CRYPTO_malloc
30 40
cob=(2)
cfn=(3)
calls=4 0
31 320

ob=(2)
fn=(10) realloc
40 5
cfn=(3)
calls=9 0
41 720
fn=(7)
50 8
cfn=(11) __pthread_enable_asynccancel
calls=4 0
51 40
"""


@pytest.fixture
def profile():
    return Profile.parse(DUMP.splitlines())


@pytest.fixture
def baselines(tmp_path):
    def written(**figures) -> object:
        path = tmp_path / "baselines.json"
        path.write_text(json.dumps({"recorded": {"swift": "6.3"}, "figures": figures}))
        return path
    return written


def test_the_instructions_of_a_dump_are_its_summary(profile):
    assert profile.instructions == 4321


def test_a_dump_without_a_summary_is_refused():
    with pytest.raises(ValueError, match="no summary"):
        Profile.parse(DUMP.replace("summary:", "totals:").splitlines())


def test_a_name_given_once_holds_for_its_number(profile):
    assert profile.calls["/srv/contoso", "$s3Hub7deliver", "malloc"] == 1
    assert profile.calls["/usr/lib/x86_64-linux-gnu/libcrypto.so.3", "CRYPTO_malloc", "malloc"] == 4


def test_openssls_allocations_are_not_ours(profile):
    assert profile.allocations(by_openssl=True) == 4
    assert profile.allocations(by_openssl=False) == 1


def test_what_an_allocator_takes_from_another_is_no_second_allocation(profile):
    without = Profile.parse(DUMP.replace("realloc", "grow").splitlines())
    assert without.allocations(by_openssl=False) == 10
    assert profile.allocations(by_openssl=False) == 1


def test_a_release_inside_a_release_counts_once(profile):
    assert profile.reference_counts() == 3


@pytest.mark.parametrize("name, counts_as_one", [
    ("swift_retain", True), ("swift_release_n", True), ("swift_bridgeObjectRetain", True),
    ("swift_nonatomic_release", True), ("swift_weakLoadStrong", True),
    ("swift_unownedRetainStrong", True), ("_swift_release_dealloc", False),
    ("swift_allocObject", False), ("swift_isUniquelyReferenced_nonNull_native", False)])
def test_what_counts_as_a_change_of_a_reference_count(name, counts_as_one):
    profile = Profile.parse(DUMP.replace("swift_retain", name).splitlines())
    assert profile.reference_counts() == (3 if counts_as_one else 1)


def test_a_system_call_is_known_by_any_of_its_names(profile):
    assert profile.syscalls() == 4


@pytest.mark.parametrize("line", range(13, DUMP.count("\n") + 1))
def test_a_dump_that_is_cut_off_anywhere_still_reads(line):
    cut = Profile.parse(DUMP.splitlines()[:line])
    whole = Profile.parse(DUMP.splitlines())
    assert cut.calls <= whole.calls


def test_a_slope_leaves_what_does_not_grow():
    few = counts.Cost(1000, 10, 0, 4, 60)
    many = counts.Cost(3000, 10, 800, 4, 260)
    assert counts.slope(few, many, 200) == counts.Cost(10, 0, 4, 0, 1)


@pytest.mark.parametrize("now, word", [
    (104.0, "ok"), (104.01, "WORSE"), (96.0, "ok"), (95.99, "better"), (None, "NOT MEASURED")])
def test_a_figure_may_move_within_its_limit(baselines, now, word):
    path = baselines(cost={"baseline": 100, "percent": 3, "more": 1})
    line, = verdict.judge({} if now is None else {"cost": now}, path)
    assert line.verdict == word
    assert line.is_worse == (word in ("WORSE", "NOT MEASURED"))


def test_a_count_that_is_none_has_a_limit_too(baselines):
    path = baselines(retains={"baseline": 0, "more": 0.2})
    assert not verdict.judge({"retains": -0.02}, path)[0].is_worse
    assert verdict.judge({"retains": 1.0}, path)[0].is_worse


def test_a_figure_without_a_baseline_fails_until_it_has_one(baselines):
    path = baselines()
    assert verdict.judge({"new": 1.0}, path)[0].is_worse
    verdict.update({"new": 1.0}, {"swift": "6.3"}, path)
    assert not verdict.judge({"new": 1.0}, path)[0].is_worse


def test_new_baselines_keep_the_limits(baselines):
    path = baselines(cost={"baseline": 100, "percent": 3}, retains={"baseline": 1, "more": 0.2})
    verdict.update({"cost": 149.6, "retains": -0.04}, {"swift": "6.4"}, path)
    assert json.loads(path.read_text()) == {"recorded": {"swift": "6.4"}, "figures": {
        "cost": {"baseline": 150, "percent": 3}, "retains": {"baseline": 0, "more": 0.2}}}


def test_another_toolchain_than_the_baselines_is_named(baselines):
    path = baselines()
    assert verdict.changed_since_recorded({"swift": "6.3"}, path) == ""
    assert verdict.changed_since_recorded({"swift": "6.4"}, path) == "6.3"


def test_the_baselines_of_the_repository_have_limits():
    figures = json.loads(verdict.PATH.read_text())["figures"]
    assert figures
    for name, entry in figures.items():
        assert entry["baseline"] >= 0, name
        assert entry.get("percent", 0) > 0 or entry.get("more", 0) > 0, name
