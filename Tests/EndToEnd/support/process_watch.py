"""What a process holds, seen from outside: memory and descriptors, before and after a storm."""

from pathlib import Path

from .deadline import until


class ProcessWatch:
    """Remembers what a process held when it was made."""

    def __init__(self, pid: int):
        self.pid = pid
        self.descriptors = self.descriptor_count()
        self.resident = self.resident_bytes()

    def descriptor_count(self) -> int:
        return sum(1 for _ in Path(f"/proc/{self.pid}/fd").iterdir())

    def resident_bytes(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) << 10
        raise AssertionError(f"process {self.pid} has no memory")

    def expect_descriptors_back(self, within: float = 60.0) -> None:
        until("the descriptors are back",
              lambda: self.descriptor_count() <= self.descriptors + 2, within)

    def expect_memory_within(self, growth: int) -> None:
        grown = self.resident_bytes() - self.resident
        assert grown < growth, f"it has grown by {grown >> 20} MiB"
