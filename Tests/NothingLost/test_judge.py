"""The judge is itself judged: each broken history raises exactly its invariant."""

import copy
import tempfile
import unittest
from dataclasses import asdict
from pathlib import Path

import ledger
from judge import judge, report
from ledger import (ACCEPTED, COMPLETED, PROCESSING, Attempt, Connection, Fault, History, Life,
                    Look, Note, Remains, Sample, Try)


def order(number: int, user: str) -> dict:
    return {"id": number, "correlation": f"c{number}", "user": user, "status": COMPLETED,
            "lines": [("AZ-900", number)], "completed": 1000.0 + number}


def attempt(number: int, user: str, *tries: Try, repeats: bool = False) -> Attempt:
    return Attempt(f"key-{number}", user, [("AZ-900", number)], repeats, float(number),
                   list(tries))


def acknowledged(number: int, via: str = "accept-1", began: float | None = None) -> Try:
    began = float(number) if began is None else began
    return Try(via, began, began + 0.01, 201, number, f"c{number}")


def heard(connection: int, number: int, **changes) -> Note:
    note = Note(connection, f"c{number}", number, COMPLETED, number + 0.1, 1000.0 + number)
    for name, value in changes.items():
        setattr(note, name, value)
    return note


def sample(at: float, **changes) -> Sample:
    taken = Sample(at, "accept-1", 50_000, 40, 9, 200, 200)
    for name, value in changes.items():
        setattr(taken, name, value)
    return taken


def look(process: str, at: float, life: int = 1, **counted) -> Look:
    return Look(process, life, at, at + 0.01, **counted)


def good_history() -> History:
    """ann listens in two tabs, bob in none. Of bob's, one is in doubt and exists, one does not.

    accept-2 was killed from 20 to 22, and with it the count of bob's order 7.
    """
    in_doubt = Try("accept-2", 20.0, 20.1, None, why="reset")
    return History(
        attempts=[
            attempt(5, "ann", acknowledged(5)),
            attempt(6, "bob", acknowledged(6)),
            attempt(7, "bob", copy.copy(in_doubt)),
            attempt(8, "bob", copy.copy(in_doubt)),
            attempt(9, "ann", copy.copy(in_doubt), acknowledged(9, began=21.0), repeats=True)],
        connections={1: Connection(1, "ann", "notification-1", 1.0),
                     2: Connection(2, "ann", "notification-2", 1.0),
                     3: Connection(3, "bob", "notification-1", 1.0, closed=2.0)},
        notes=[heard(1, 5), heard(2, 5), heard(1, 9), heard(2, 9),
               heard(1, 9, status=PROCESSING, how="answer", order_id=None)],
        faults=[Fault("F1", "accept-2", 20.0, 22.0, 3, ["accept-2"])],
        samples=[sample(4.0), sample(40.0)],
        looks=[look("accept-1", 4.0), look("accept-1", 8.0, accepted=2),
               look("accept-2", 19.6), look("accept-1", 40.0, accepted=3),
               look("accept-2", 40.0, life=2), look("process-1", 40.0, processed=4, dead=1)],
        remains=Remains(
            orders=[order(5, "ann"), order(6, "bob"), order(7, "bob"), order(9, "ann")],
            keys=[{"user": "ann", "key": "key-9", "order": 9}],
            queues={"order.accepted": 0}, dead=["p1"], poison=["p1"],
            lives=[Life("accept-1", 1, "accept", 1.0), Life("accept-2", 1, "accept", 1.0, 20.05),
                   Life("accept-2", 2, "accept", 21.5), Life("process-1", 1, "process", 1.0)],
            clock=1000.0, first_fault=20.0, healed=22.0, quiet=30.0))


def count(process: str, **more: int):
    """Its last look shows so much more."""
    def spoil(history: History) -> None:
        last = [look for look in history.looks if look.process == process][-1]
        for name, number in more.items():
            setattr(last, name, getattr(last, name) + number)
    return spoil


def each(*spoils):
    return lambda history: [spoil(history) for spoil in spoils]


def do_not_complete(place: int, status: int):
    """And do not say so: what never ended was never counted."""
    return each(lambda history: history.remains.orders[place].update(
        status=status, completed=None), count("process-1", processed=-1))


def add_order(**changes):
    return each(lambda history: history.remains.orders.append({**order(6, "bob"), **changes}),
                count("process-1", processed=1))


def add_try(place: int, one: Try):
    return each(lambda history: history.attempts[place].tries.append(one),
                count("accept-1", repeated=int(one.acknowledges)))


def set_remains(**changes):
    return lambda history: [setattr(history.remains, *item) for item in changes.items()]


BROKEN = {
    "an acknowledged order is gone": ({1, 14}, lambda history: history.remains.orders.pop(1)),
    "a repeated attempt was acknowledged and is gone":
        ({1, 8, 14}, lambda history: history.remains.orders.pop(3)),
    "one attempt made two orders": ({2}, add_order(id=60, correlation="c60")),
    "a correlation id stands twice": ({2}, add_order(id=60, lines=[("AZ-900", 8)])),
    "an id stands twice": ({2}, add_order(correlation="c60", lines=[("AZ-900", 8)])),
    "a key names two orders": ({2}, lambda history: history.remains.keys.append(
        {"user": "ann", "key": "key-9", "order": 5})),
    "a repeated key got another order": ({3}, add_try(4, acknowledged(5, began=21.0))),
    "another number than promised": ({4}, lambda history: setattr(
        history.attempts[1].tries[0], "order_id", 66)),
    "another user than promised": ({4, 6}, lambda history:
        history.remains.orders[1].update(user="eve")),
    "other items than posted": ({4, 6}, lambda history:
        history.remains.orders[1].update(lines=[("AZ-900", 66)])),
    "items twice": ({4, 6}, lambda history:
        history.remains.orders[1].update(lines=[("AZ-900", 6), ("AZ-900", 6)])),
    "an acknowledged order is not completed": ({5}, do_not_complete(1, PROCESSING)),
    "an order in doubt exists and is not completed": ({5}, do_not_complete(2, ACCEPTED)),
    "nobody posted it": ({6}, add_order(id=60, correlation="c60", user="eve")),
    "a refused order exists": ({6, 12}, lambda history: setattr(
        history.attempts[2], "tries", [Try("accept-1", 7, 7.1, 404)])),
    "the owner was never told": ({7}, lambda history: setattr(
        history, "notes", [note for note in history.notes if note.correlation != "c5"])),
    "one of two tabs was never told": ({7}, lambda history: history.notes.pop(1)),
    "told of PROCESSING only": ({7}, lambda history: [
        setattr(note, "status", PROCESSING) for note in history.notes
        if note.correlation == "c9"]),
    "a note of nothing": ({8}, lambda history: history.notes.append(
        heard(1, 5, correlation="c0"))),
    "a note with another number": ({8}, lambda history: history.notes.append(
        heard(1, 5, order_id=55))),
    "a note before the commit": ({8}, lambda history: history.notes.append(
        heard(1, 5, wall=1004.998))),
    "a note of an end that never came": ({5, 8}, do_not_complete(0, PROCESSING)),
    "a note in a stranger's ear": ({9}, lambda history: history.notes.append(heard(3, 5))),
    "the outbox is not empty": ({10}, set_remains(outbox=1)),
    "a queue is not empty": ({10}, set_remains(queues={"order.accepted.retry.1": 1})),
    "a dead letter that was no poison": ({10}, set_remains(dead=["p1", "p2"])),
    "a poison message is no dead letter": ({10}, set_remains(poison=["p1", "p2"])),
    "never quiet": ({11}, set_remains(quiet=None)),
    "quiet too late": ({11}, set_remains(quiet=83.0)),
    "an answer 500": ({12}, add_try(3, Try("accept-1", 12.0, 12.1, 500))),
    "a valid order refused": ({12}, add_try(3, Try("accept-1", 12.0, 12.1, 409))),
    "no answer of a healthy process": ({12}, add_try(
        3, Try("accept-1", 12.0, 17.0, None, why="time-out"))),
    "an answer 503 of a healthy process": ({12}, add_try(
        3, Try("accept-1", 40.0, 40.1, 503))),
    "an answer 503 while only the broker is away": ({12}, lambda history: (
        history.faults.append(Fault("F7", "amqp", 11.0, 13.0, 3)),
        add_try(3, Try("accept-1", 12.0, 12.1, 503))(history))),
    "an answer too late": ({12}, add_try(3, Try("accept-1", 12.0, 18.1, 503))),
    "the ingress finds nobody though all live": ({12}, add_try(
        3, Try("ingress", 12.0, 12.1, 502))),
    "liveness flaps": ({12}, lambda history: history.samples.append(sample(12.0, live=None))),
    "memory grows": ({13}, lambda history: setattr(history.samples[1], "rss", 120_000)),
    "descriptors grow": ({13}, lambda history: setattr(history.samples[1], "descriptors", 65)),
    "threads grow": ({13}, lambda history: setattr(history.samples[1], "threads", 13)),
    "an order counted twice": ({14}, count("accept-1", accepted=1)),
    "an order counted that nobody can have seen": ({14}, each(
        count("accept-1", accepted=1), add_try(3, Try("accept-1", 41.0, 41.1, None, why="reset")),
        lambda history: history.faults.append(Fault("F1", "accept-1", 41.0, 42.0, 3, ["accept-1"])),
        lambda history: history.remains.orders.append(order(8, "bob")),
        count("process-1", processed=1))),
    "an order not counted": ({14}, count("accept-1", accepted=-2)),
    "an order counted as a repeat": ({14}, count("accept-1", accepted=-2, repeated=2)),
    "a repeat not counted": ({14}, each(
        add_try(4, acknowledged(9, began=25.0)), count("accept-1", repeated=-1))),
    "a repeat counted that nobody posted": ({14}, count("accept-1", repeated=1)),
    "an abandoned order not counted": ({14}, each(
        lambda history: setattr(
            history.attempts[1], "tries", [Try("accept-1", 6.0, 6.01, None, why="aborted")]),
        count("accept-1", accepted=-2))),
    "an order counted by the wrong process": ({14}, each(
        count("accept-1", accepted=-2), count("accept-2", accepted=2))),
    "an end counted twice": ({14}, count("process-1", processed=1)),
    "an end not counted": ({14}, count("process-1", processed=-1)),
    "an end counted as a duplicate": ({14}, count("process-1", processed=-1, duplicates=1)),
    "an end not counted, though nobody had died by then": ({14}, each(
        count("process-1", processed=-1), lambda history: history.remains.lives.append(
            Life("process-2", 1, "process", 1.0, 4.9)))),
    "a duplicate not counted": ({14}, set_remains(repeats=[25.0])),
    "a dead letter counted twice": ({14}, count("process-1", dead=1)),
    "a counter that fell": ({14}, lambda history: history.looks.insert(
        0, look("accept-1", 3.0, accepted=4))),
    "counters that nobody showed": ({14}, lambda history: history.remains.lives.append(
        Life("process-2", 1, "process", 35.0))),
}


class JudgeTests(unittest.TestCase):
    def test_a_good_history_has_no_violation(self):
        judgement = judge(good_history())
        self.assertEqual(judgement.violations, [], report(judgement))
        self.assertEqual(judgement.skipped, {})
        self.assertEqual(judgement.measures["counted, accepted"], "3, it can be 2 to 3")
        self.assertEqual(judgement.measures["counted, processed"], "4, it can be 4 to 4")

    def test_each_broken_history_raises_exactly_its_invariants(self):
        for name, (invariants, spoil) in BROKEN.items():
            with self.subTest(name):
                history = good_history()
                spoil(history)
                judgement = judge(history)
                # A quiet that never comes leaves nothing to compare with, and says so.
                self.assertEqual(judgement.broken(), invariants, report(judgement))

    def test_every_invariant_is_broken_by_some_history(self):
        self.assertEqual(set().union(*(broken for broken, _ in BROKEN.values())),
                         set(range(1, 15)))

    def test_what_is_allowed_is_no_violation(self):
        allowed = {
            "an answer 503 while the database is away": lambda history: (
                history.faults.append(Fault("F15", "pg", 11.0, 13.0, 3)),
                add_try(3, Try("accept-1", 12.0, 12.1, 503))(history)),
            "an answer 503 of a process that has just come back": add_try(
                3, Try("accept-2", 30.0, 30.1, 503)),
            "the client itself went away": add_try(
                3, Try("accept-1", 12.0, 12.1, None, why="aborted")),
            "an ingress without a process while one is down": add_try(
                3, Try("ingress", 21.0, 21.1, 502)),
            "an order that was lost with the life that had counted it":
                count("accept-1", accepted=-1, repeated=1),
            "an order that its last look saw": lambda history: (
                setattr(history.looks[2], "answered", 20.02), count("accept-2", accepted=1)),
            "a commit whose answer was lost": each(
                lambda history: history.faults.append(
                    Fault("F16", "accept-1.pg", 4.0, 7.0, 3)),
                lambda history: setattr(history.attempts[1], "tries", [
                    Try("accept-1", 6.0, 6.01, 503),
                    Try("accept-1", 7.0, 7.01, 201, 6, "c6")]),
                count("accept-1", accepted=-1, repeated=1)),
            "an end whose commit's answer was lost": each(
                lambda history: history.faults.append(Fault("F15", "pg", 5.5, 6.5, 3)),
                count("process-1", processed=-1, duplicates=1)),
            "an end that was committed by a frozen process": each(
                lambda history: history.faults.append(
                    Fault("F6", "process-1", 5.5, 9.5, 3, ["process-1"])),
                count("process-1", processed=-1, duplicates=1)),
            "ends that were lost with the life that had counted them": each(
                lambda history: history.remains.lives.append(
                    Life("process-2", 1, "process", 1.0, 9.2)),
                lambda history: history.looks.append(look("process-2", 6.8)),
                # The one at 7 and the one at 9; those at 5 and 6 are told of, or long done.
                count("process-1", processed=-2)),
            "a duplicate that was lost with its life": each(
                set_remains(repeats=[8.0]), lambda history: history.remains.lives.append(
                    Life("process-2", 1, "process", 7.9, 8.1))),
            "duplicates of which nobody knows": count("process-1", duplicates=9),
            "a dead letter that was not counted": count("process-1", dead=-1),
            "an abandoned order that was counted": lambda history: setattr(
                history.attempts[1], "tries", [
                    Try("accept-1", 6.0, 6.01, None, why="aborted")]),
            "an abandoned order whose commit's answer was lost": each(
                lambda history: history.faults.append(Fault("F15", "pg", 4.0, 7.0, 3)),
                lambda history: setattr(history.attempts[1], "tries", [
                    Try("accept-1", 6.0, 6.01, None, why="aborted")]),
                count("accept-1", accepted=-1)),
            "a message buried twice": set_remains(dead=["p1", "p1"]),
            "descriptors that moved with their connections": lambda history:
                history.samples.__setitem__(slice(None), [
                    sample(4.0, descriptors=60), sample(4.0, process="accept-2", descriptors=60),
                    sample(40.0, descriptors=100),
                    sample(40.0, process="accept-2", descriptors=20)]),
            "a note twice": lambda history: history.notes.append(heard(1, 5)),
            "a tab that opened after the order was posted": lambda history:
                history.connections.update({4: Connection(4, "ann", "notification-1", 15.0)}),
            "a probe in vain while the process is down": lambda history:
                history.samples.append(sample(21.0, process="accept-2", live=None)),
        }
        for name, change in allowed.items():
            with self.subTest(name):
                history = good_history()
                change(history)
                judgement = judge(history)
                self.assertEqual(judgement.violations, [], report(judgement))

    def test_what_cannot_be_judged_is_said(self):
        history = good_history()
        history.samples = []
        history.remains.lives, history.looks = [], []
        self.assertEqual(set(judge(history).skipped), {13, 14})
        self.assertIn("not judged: no process was noted", report(judge(history)))

    def test_what_is_written_is_read_back(self):
        with tempfile.TemporaryDirectory() as directory:
            book = ledger.Ledger(Path(directory))
            book.write("posts", t=1.0, intend="k", user="ann", lines=[("AZ-900", 1)],
                       repeats=True)
            book.write("posts", **{"try": "k"}, via="accept-1", began=1.0, t=1.1, status=None,
                       why="reset")
            book.write("notes", t=0.5, open=1, user="ann", node="n1")
            book.write("notes", t=2.0, hear=1, correlation="c", id=1, status=2, wall=9.0,
                       how="push")
            book.write("notes", t=3.0, close=1)
            book.write("faults", fault="F1", target="accept-1", began=1, ended=2, bites=1,
                       hits=["accept-1"], evidence="1 reset")
            book.write("samples", t=1.0, process="accept-1", rss=1, descriptors=2, threads=3,
                       live=200, ready=503)
            book.write("looks", t=2.0, process="accept-1", life=3, asked=1.9, accepted=4,
                       repeated=5, processed=6, duplicates=7, dead=8)
            book.remains(orders=[{**order(1, "ann")}], outbox=2,
                         lives=[asdict(Life("accept-1", 3, "accept", 0.5))])
            book.close()
            history = ledger.read(Path(directory))
        self.assertEqual(history.attempts, [Attempt(
            "k", "ann", [("AZ-900", 1)], True, 1.0,
            [Try("accept-1", 1.0, 1.1, None, why="reset")])])
        self.assertEqual(history.connections[1], Connection(1, "ann", "n1", 0.5, 3.0))
        self.assertEqual(history.notes, [Note(1, "c", 1, 2, 2.0, 9.0, "push")])
        self.assertEqual(history.faults[0].hits, ["accept-1"])
        self.assertEqual(history.samples[0].ready, 503)
        self.assertEqual(history.looks, [Look("accept-1", 3, 1.9, 2.0, 4, 5, 6, 7, 8)])
        self.assertEqual(history.remains.lives, [Life("accept-1", 3, "accept", 0.5, None)])
        self.assertEqual(history.remains.orders, [order(1, "ann")])
        self.assertEqual(history.remains.outbox, 2)


if __name__ == "__main__":
    unittest.main()
