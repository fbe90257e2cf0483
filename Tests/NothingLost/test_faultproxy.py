"""Every mode of the fault proxy does what it says; a fault that does not bite proves nothing."""

import socket
import threading
import time
import unittest

from faultproxy import BOTH, DOWN, UP, FaultProxy

SOON = 5.0
# Long enough for bytes that are not held back to arrive on loopback.
A_WHILE = 0.15


class EchoServer:
    """Sends back what it reads; keeps how each connection ended."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = self.listening.getsockname()
        self.read = b""
        self.resets = self.ends = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        # A close alone does not wake the thread that accepts.
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            while data := client.recv(65536):
                self.read += data
                client.sendall(data)
            self.ends += 1
        except OSError:
            self.resets += 1
        client.close()


class FaultProxyTests(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.proxy = FaultProxy(seed=1)

    @classmethod
    def tearDownClass(cls):
        cls.proxy.close()

    def setUp(self):
        self.server = EchoServer()
        self.link = self.proxy.link(self.id(), self.server.address)

        self.addCleanup(self.server.close)

    def connect(self):
        client = socket.create_connection(self.link.address, timeout=SOON)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.addCleanup(client.close)
        return client

    def connected(self):
        """A connection that is known to lead to the server."""
        client = self.connect()
        self.assertEqual(self.echo(client, b"hello"), b"hello")
        return client

    def echo(self, client, data):
        client.sendall(data)
        return self.receive(client, len(data))

    def receive(self, client, count):
        received = b""
        while len(received) < count:
            piece = client.recv(count - len(received))
            if not piece:
                break
            received += piece
        return received

    def assert_silent(self, client):
        client.settimeout(A_WHILE)
        with self.assertRaises(TimeoutError):
            client.recv(1)
        client.settimeout(SOON)

    def eventually(self, condition):
        deadline = time.monotonic() + SOON
        while not condition():
            self.assertLess(time.monotonic(), deadline, "waited in vain")
            time.sleep(0.005)

    def test_pass_carries_a_megabyte_both_ways_unchanged(self):
        client, data = self.connect(), bytes(range(256)) * 4096
        sender = threading.Thread(target=client.sendall, args=(data,))
        sender.start()
        self.assertEqual(self.receive(client, len(data)), data)
        sender.join()
        counts = self.link.counts()
        self.assertEqual((counts.bytes_up, counts.bytes_down), (len(data), len(data)))
        self.assertEqual(counts.bites(), 0)

    def test_pass_carries_the_end_of_one_direction_only(self):
        client = self.connected()
        client.sendall(b"last words")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(self.receive(client, 100), b"last words")
        self.eventually(lambda: self.server.ends == 1)
        self.assertEqual(self.link.counts().broken, 0)

    def test_pass_carries_a_reset(self):
        client = self.connected()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        client.close()
        self.eventually(lambda: self.server.resets == 1)

    def test_refuse_refuses_the_next_connect_and_leaves_the_open_one(self):
        client = self.connected()
        self.link.refuse()
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        self.assertEqual(self.echo(client, b"still"), b"still")
        self.link.passes()
        self.connected()

    def test_a_dead_server_is_a_reset(self):
        dead = socket.create_server(("127.0.0.1", 0))
        self.link = self.proxy.link(self.id() + ".dead", dead.getsockname())
        dead.close()
        with self.assertRaises(OSError):
            client = self.connect()
            client.sendall(b"x")
            if client.recv(1) == b"":
                raise ConnectionResetError
        self.eventually(lambda: self.link.counts().refused == 1)

    def test_hold_takes_the_connect_and_answers_only_when_it_passes(self):
        self.link.hold()
        client = self.connect()
        client.sendall(b"patience")
        self.assert_silent(client)
        self.link.passes()
        self.assertEqual(self.receive(client, 8), b"patience")
        self.assertEqual(self.link.counts().held, 1)

    def test_cut_resets_both_ends(self):
        client = self.connected()
        self.assertEqual(self.link.cut(), 1)
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        self.eventually(lambda: self.server.resets == 1)
        self.connected()

    def test_fin_ends_both_ends_without_a_reset(self):
        client = self.connected()
        self.assertEqual(self.link.fin(), 1)
        self.assertEqual(client.recv(1), b"")
        self.eventually(lambda: self.server.ends == 1)

    def test_half_ends_the_way_back_and_leaves_the_way_there(self):
        client = self.connected()
        self.assertEqual(self.link.half(), 1)
        self.assertEqual(client.recv(1), b"")
        client.sendall(b"into the void")
        self.eventually(lambda: self.server.read.endswith(b"into the void"))

    def test_down_cuts_and_refuses_until_it_passes(self):
        client = self.connected()
        self.link.down()
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        with self.assertRaises(ConnectionRefusedError):
            self.connect()
        self.link.passes()
        self.connected()

    def test_stall_up_keeps_the_request_back(self):
        client = self.connected()
        self.link.stall(UP)
        client.sendall(b"later")
        self.assert_silent(client)
        self.assertEqual(self.server.read, b"hello")
        self.link.passes()
        self.assertEqual(self.receive(client, 5), b"later")

    def test_stall_down_lets_the_request_through_and_keeps_the_answer_back(self):
        client = self.connected()
        self.link.stall(DOWN)
        client.sendall(b"done?")
        self.eventually(lambda: self.server.read == b"hellodone?")
        self.assert_silent(client)
        self.link.passes()
        self.assertEqual(self.receive(client, 5), b"done?")
        self.assertGreaterEqual(self.link.counts().bytes_bitten, 5)

    def test_stall_down_then_cut_leaves_the_client_in_doubt(self):
        client = self.connected()
        self.link.stall(DOWN)
        client.sendall(b"commit")
        self.eventually(lambda: self.server.read == b"hellocommit")
        self.link.cut()
        with self.assertRaises(ConnectionResetError):
            client.recv(1)

    def test_stall_holds_the_close_back_too(self):
        client = self.connected()
        self.link.stall(BOTH)
        client.shutdown(socket.SHUT_WR)
        time.sleep(A_WHILE)
        self.assertEqual(self.server.ends, 0)
        self.link.passes()
        self.eventually(lambda: self.server.ends == 1)

    def test_lose_swallows_and_resets_what_has_a_hole_when_it_passes(self):
        whole, holed = self.connected(), self.connected()
        self.link.lose(UP)
        holed.sendall(b"gone")
        self.assert_silent(holed)
        self.assertEqual(self.server.read, b"hellohello")
        self.link.passes()
        with self.assertRaises(ConnectionResetError):
            holed.recv(1)
        self.assertEqual(self.echo(whole, b"fine"), b"fine")

    def test_delay_delays_each_way_and_keeps_the_order(self):
        client = self.connected()
        self.link.delay(0.1, jitter=0.05)
        began = time.monotonic()
        client.sendall(b"a")
        time.sleep(0.02)
        client.sendall(b"b")
        self.assertEqual(self.receive(client, 2), b"ab")
        self.assertGreaterEqual(time.monotonic() - began, 0.1)

    def test_delay_is_a_latency_and_no_rate(self):
        client = self.connected()
        self.link.delay(0.1)
        began = time.monotonic()
        for _ in range(10):
            client.sendall(b"x" * 1000)
        self.assertEqual(len(self.receive(client, 10_000)), 10_000)
        self.assertLess(time.monotonic() - began, 1.0)

    def test_what_was_delayed_is_not_overtaken_after_it_passes(self):
        client = self.connected()
        self.link.delay(0.2)
        client.sendall(b"first")
        time.sleep(0.02)
        self.link.passes()
        client.sendall(b"second")
        self.assertEqual(self.receive(client, 11), b"firstsecond")

    def test_rate_bounds_the_bytes_per_second(self):
        client = self.connected()
        self.link.rate(20_000)
        began = time.monotonic()
        self.assertEqual(self.echo(client, b"x" * 8000), b"x" * 8000)
        self.assertGreaterEqual(time.monotonic() - began, 0.35)

    def test_slice_chops_into_single_bytes(self):
        client = self.connected()
        self.link.slice(1)
        client.sendall(b"abcdef")
        self.assertEqual(self.receive(client, 6), b"abcdef")
        self.assertEqual(self.link.counts().bytes_bitten, 12)

    def test_trunc_resets_after_so_many_bytes_and_spares_the_next_connection(self):
        for count in (1, 8, 4096):
            client = self.connected()
            self.link.trunc(count)
            client.sendall(b"y" * 5000)
            received = b""
            with self.assertRaises(ConnectionResetError):
                while True:
                    received += client.recv(65536)
            self.assertEqual(len(received), count)
        self.assertEqual(self.link.counts().cut, 3)
        self.connected()

    def test_a_server_that_closes_first_is_counted_as_broken(self):
        closing = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(closing.close)
        link = self.proxy.link(self.id() + ".closing", closing.getsockname())
        client = socket.create_connection(link.address, timeout=SOON)
        self.addCleanup(client.close)
        closing.accept()[0].close()
        self.assertEqual(client.recv(1), b"")
        self.eventually(lambda: link.counts().broken == 1)

    def test_links_do_not_disturb_each_other(self):
        other = self.proxy.link(self.id() + ".other", self.server.address)
        self.link.down()
        with socket.create_connection(other.address, timeout=SOON) as client:
            self.assertEqual(self.echo(client, b"fine"), b"fine")

    def test_a_wrong_command_is_an_error_here_and_not_there(self):
        with self.assertRaises(RuntimeError):
            self.proxy.call("nobody", "cut")
        self.connected()


if __name__ == "__main__":
    unittest.main()
