"""docs/CONFORMANCE.md: a summary, and a table of all cases."""

from collections import Counter

from .cases import Case
from .proof import FAILED, MISSING, NOT_APPLICABLE, PASSED, Proof

_GROUPS = {
    "N": "Negotiate", "X": "Connection endpoint", "W": "WebSockets", "S": "Server-sent events",
    "L": "Long polling", "H": "Handshake", "J": "JSON protocol", "M": "MessagePack protocol",
    "E": "Hub connection", "C": "Client results", "F": "Stateful reconnect", "P": "Filters",
    "R": "Backplane", "T": "Clients", "MV": "MessagePack vectors", "RV": "Envelope vectors"}

_HEAD = """# Conformance

Written by `scripts/conformance`, which runs what is named here; change
[cases.tsv](../Tests/Conformance/cases.tsv), not this page.

Each case is a scenario and what a client must see of it. It is proven from outside (*wire*: a test
of [Tests/Conformance](../Tests/Conformance) against a running server), by unit tests of the bytes
(*unit*), or by both. *n/a* is what cannot happen here, with the reason.
"""


def group_of(case: Case) -> str:
    return case.id.rstrip("0123456789")


def render(cases: list[Case], proof: Proof) -> str:
    results = {case.id: proof.result(case) for case in cases}
    counts = Counter(results.values())
    parts = [_HEAD, f"**{len(cases)} cases: {counts[PASSED]} passed, {counts[FAILED]} failed, "
                    f"{counts[NOT_APPLICABLE]} not applicable"
                    + (f", {counts[MISSING]} without evidence" if counts[MISSING] else "") + "**\n"]
    parts.append(_overview(cases, results))
    for group, title in _GROUPS.items():
        members = [case for case in cases if group_of(case) == group]
        if members:
            rows = "".join(_row(case, results[case.id], proof) for case in members)
            parts.append(f"## {title}\n\n| id | case | how | result |\n|---|---|---|---|\n{rows}")
    return "\n".join(parts)


def _overview(cases: list[Case], results: dict[str, str]) -> str:
    lines = "| | cases | passed | failed or missing | not applicable |\n|---|---|---|---|---|\n"
    for group, title in _GROUPS.items():
        found = Counter(results[case.id] for case in cases if group_of(case) == group)
        if found:
            lines += (f"| {title} | {found.total()} | {found[PASSED]} | "
                      f"{found[FAILED] + found[MISSING]} | {found[NOT_APPLICABLE]} |\n")
    return lines


def _row(case: Case, result: str, proof: Proof) -> str:
    return (f"| {case.id} | {_escaped(case.scenario)} | {_how(case, proof)} | "
            f"{result if result in (PASSED, NOT_APPLICABLE) else f'**{result}**'} |\n")


def _how(case: Case, proof: Proof) -> str:
    parts = []
    if case.needs_wire:
        files = ", ".join(name.removeprefix("test_").removesuffix(".py").replace("_", " ")
                          for name in proof.files(case))
        parts.append(f"wire: {files}" if files else "wire")
    parts += [f"unit: {_escaped(claim)}" for claim in case.claims]
    parts += [_escaped(case.note)] if case.note else []
    return "<br>".join(parts)


def _escaped(text: str) -> str:
    for plain, written in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("*", "\\*"),
                           ("_", "\\_"), ("[", "\\["), ("]", "\\]")):
        text = text.replace(plain, written)
    return text
