"""A client of a connection that outlives its socket; its tests say when the socket is lost.

    cut() ──▶ attach(sequence) ──▶ told_sequence() ──▶ what was not acknowledged, again

Source: section F of the reference's notes; the official client's message buffer.
"""

from support.deadline import until

from .client import ACK, SEQUENCE, HubClient
from .transports import WebSockets

ACK_WITHIN = 3.0


class StatefulClient(HubClient):
    """Counts what it sends and receives, as the official client does."""

    def __init__(self, server, **options):
        # The number of the latest message, and the highest one there has been.
        self.number = self.received = 0
        self.drops_known = False
        self.acks: list[int] = []
        self.sequences: list[int] = []
        super().__init__(server, "/stateful", stateful=True, version=2, **options)

    def _keep(self, batch: bytes) -> None:
        known = len(self.inbox)
        super()._keep(batch)
        fresh, self.inbox = self.inbox[known:], self.inbox[:known]
        for message in fresh:
            if message["type"] == ACK:
                self.acks.append(message["sequenceId"])
            elif message["type"] == SEQUENCE:
                self.sequences.append(message["sequenceId"])
                self.number = message["sequenceId"] - 1
            else:
                self.number += message["type"] <= 5
                if self.number > self.received or not self.drops_known:
                    self.inbox.append(message)
                self.received = max(self.received, self.number)

    def cut(self) -> None:
        """Loses the socket without a word."""
        self.transport.reset()

    def attach(self, sequence: int | None = None) -> None:
        """A new socket; `sequence` is the number of the next message that we send."""
        self.transport = WebSockets(self.endpoint, self.codec.IS_BINARY)
        if sequence is not None:
            self.send({"type": SEQUENCE, "sequenceId": sequence})

    def acknowledge(self, number: int) -> None:
        self.send({"type": ACK, "sequenceId": number})

    def told_sequence(self) -> int:
        """The server's Sequence, which must be the first it says on a new socket."""
        known, heard = len(self.sequences), len(self.inbox)
        while len(self.sequences) == known:
            self._keep(self.transport.receive())
            assert self.sequences[known:] or len(self.inbox) == heard, self.inbox
        return self.sequences[-1]

    def told_ack(self) -> int:
        """The number of the next Ack."""
        known = len(self.acks)
        until("an ack comes", lambda: self.listen(0.1) or self.acks[known:], ACK_WITHIN)
        return self.acks[-1]
