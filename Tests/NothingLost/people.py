"""Who orders and listens, and what each of them knows.

    User ─┬─ acknowledged: Promise, by correlation id
          └─ tabs
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger import Lines
from wire import Address

if TYPE_CHECKING:
    from tab import Tab

PRODUCTS = ["AZ-900", "AZ-104", "AZ-204"]
QUANTITIES = 97


@dataclass(frozen=True)
class Target:
    """Where clients may go: a process by its name, or "ingress"."""
    name: str
    address: Address


@dataclass(frozen=True)
class Promise:
    """An acknowledged order, as its client knows it."""
    user: str
    correlation: str
    order_id: int
    lines: Lines
    # When its POST began.
    began: float


@dataclass
class User:
    name: str
    number: int = 0
    tabs: list["Tab"] = field(default_factory=list)
    # By correlation id.
    acknowledged: dict[str, Promise] = field(default_factory=dict)
    token: str = ""

    def next_lines(self) -> Lines:
        """Lines that no other order of this user has: its number, written to the base of 97."""
        number, self.number = self.number, self.number + 1
        return [(product, number // QUANTITIES ** place % QUANTITIES + 1)
                for place, product in enumerate(PRODUCTS)]
