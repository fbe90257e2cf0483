"""The schedule comes from its seed and from nothing else."""

import unittest
from pathlib import Path
from tempfile import TemporaryDirectory

import run
from faults import CATALOGUE
from stage import Embedded


class FakeCluster(run.Cluster):
    """The names of a cluster without its processes."""

    def __init__(self):
        self.pods = {name: FakePod(name, role) for name, role in self.ROLES.items()}
        self.links = {f"{name}.{engine}": FakeLink(f"{name}.{engine}")
                      for name in self.pods for engine in ("pg", "amqp", "redis")}


class FakePod:
    def __init__(self, name: str, roles: str):
        self.name, self.roles = name, roles


class FakeLink:
    def __init__(self, name: str):
        self.name = name


def options(seed: int, faults: list[str]) -> run.Options:
    return run.Options("cluster", seed, 300, 15, False, faults)


class PlanTests(unittest.TestCase):
    def test_the_same_seed_gives_the_same_plan(self):
        names = list(CATALOGUE)
        stage = FakeCluster()
        self.assertEqual(run.plan(stage, options(7, names), 3), run.plan(stage, options(7, names), 3))
        self.assertNotEqual(run.plan(stage, options(7, names), 3),
                            run.plan(stage, options(8, names), 3))

    def test_every_fault_is_there_once_per_round(self):
        steps = run.plan(FakeCluster(), options(7, [*CATALOGUE, "F20"]), 3)
        for first in range(0, len(steps), len(CATALOGUE)):
            in_round = [step.fault for step in steps[first:first + len(CATALOGUE)]]
            self.assertEqual(sorted(in_round), sorted(CATALOGUE))

    def test_lengths_and_gaps_are_within_their_bounds(self):
        for step in run.plan(FakeCluster(), options(7, list(CATALOGUE)), 10):
            shortest, longest = CATALOGUE[step.fault].seconds
            self.assertTrue(shortest <= step.seconds <= longest, step)
            self.assertTrue(1 <= step.gap <= 5, step)

    def test_one_process_has_no_faults_of_links_and_servers(self):
        with TemporaryDirectory() as directory:
            steps = run.plan(Embedded(Path(directory)), options(7, list(CATALOGUE)), 1)
        self.assertEqual({step.fault for step in steps}, {"F1", "F3", "F4", "F5", "F6"})
        self.assertEqual({step.target for step in steps}, {"contoso"})

    def test_all_faults_of_the_short_form_exist(self):
        self.assertLessEqual(set(run.SHORT), set(CATALOGUE))
        self.assertLessEqual(set(run.ALL_DAY), set(run.CONTINUOUS))


if __name__ == "__main__":
    unittest.main()
