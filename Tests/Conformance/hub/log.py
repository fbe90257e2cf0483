"""What a server under test has written down of the lives of its connections.

    connected ID    disconnected ID -    disconnected ID ERROR    cancelled ID METHOD

The log belongs to the whole process and names connections by their public ids, so that tests do
not see each other's.
"""

from support.deadline import until

from .client import WITHIN, HubClient
from .process import HubServer


class LifetimeLog:
    def __init__(self, server: HubServer):
        self.client = HubClient(server)
        self.client.result("ClearLog")

    def lines(self) -> list[str]:
        return self.client.result("Log")

    def of(self, connection_id: str) -> list[str]:
        """The lines that name a connection, without its id."""
        return [line.replace(f" {connection_id}", "") for line in self.lines()
                if connection_id in line.split(" ")]

    def until(self, line: str, within: float = WITHIN) -> None:
        until(f"the log has {line!r}", lambda: line in self.lines(), within)

    def end_of(self, connection_id: str, within: float = WITHIN) -> str:
        """How a connection ended: "-" without an error, else its text. It must end once."""
        until(f"{connection_id} is disconnected", lambda: self._ends(connection_id), within)
        end, = self._ends(connection_id)
        return end

    def has_ended(self, connection_id: str) -> bool:
        return self._ends(connection_id) != []

    def _ends(self, connection_id: str) -> list[str]:
        mark = f"disconnected {connection_id} "
        return [line.removeprefix(mark) for line in self.lines() if line.startswith(mark)]
