"""Peers that do not behave: memory and CPU stay bounded, others are served."""
import bisect
import os
import socket
import struct
import subprocess
import sys
import time
import unittest

import grpc

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))
import raw_h2 as h2  # noqa: E402
from attacker import ATTACKS  # noqa: E402
from peers import Certificates, echo_server  # noqa: E402

CALM = 11
MEMORY_KB = 40 << 10  # how much the server may grow, under any of this
TRIES = 3         # one of them must show that others keep half their rate:
                  # something else may run on this machine meanwhile
TURNS, TURN_SECONDS = 6, 0.2
RATE_LEAST = 100  # calls a second, one after the other
WAIT_MOST = 2.0   # seconds, for any of them


class Polite:
    """A client that behaves, and how fast it is served."""

    def __init__(self, server):
        self.channel = grpc.insecure_channel(server.address,
                                             options=[("grpc.use_local_subchannel_pool", 1)])
        self.once = self.channel.unary_unary("/test.Echo/Once")
        self.once(b"")

    def rate(self, seconds):
        """Calls a second, until then."""
        until = time.monotonic() + seconds
        return len(self.call_while(lambda now: now < until)) / seconds

    def call_while(self, goes_on):
        """When each call was over; the longest wait is in self.longest."""
        times, now = [], time.monotonic()
        self.longest = 0
        while goes_on(now):
            assert self.once(b"hello", timeout=10) == b"hello"
            before, now = now, time.monotonic()
            times.append(now)
            self.longest = max(self.longest, now - before)
        return times

    def close(self):
        self.channel.close()


def wait_for(condition, patience=20):
    until = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)


class Attacks(unittest.TestCase):
    def setUp(self):
        self.server = echo_server("--set", "handshake_ms=1000")
        self.polite = Polite(self.server)
        self.before_kb = self.server.memory_kb()
        self.before_files = self.server.open_files()
        self.allowed_kb = MEMORY_KB

    def tearDown(self):
        wait_for(lambda: self.server.open_files() <= self.before_files)
        self.assertLess(self.server.memory_kb() - self.before_kb, self.allowed_kb)
        self.polite.close()
        self.assertTrue(self.server.stop())

    def fight(self, name):
        """What is left of the others' rate under attack: as against a machine on which
        the attacker's process works as much, but leaves the server alone."""
        attacker = subprocess.Popen([sys.executable, os.path.join(HERE, "..", "net", "attacker.py"),
                                     str(self.server.port), name, str(TURNS), str(TURN_SECONDS)],
                                    stdout=subprocess.PIPE, text=True)
        times = self.polite.call_while(lambda _: attacker.poll() is None)
        most = self.server.memory_kb() - self.before_kb
        calls, seconds, rounds = {"attack": 0, "burn": 0}, {"attack": 0, "burn": 0}, 0
        for line in attacker.communicate()[0].splitlines():
            what, start, end, count = line.split()
            calls[what] += bisect.bisect(times, float(end)) - bisect.bisect(times, float(start))
            seconds[what] += float(end) - float(start)
            rounds += int(count)
        attacked, alone = (calls[what] / seconds[what] for what in ("attack", "burn"))
        if os.environ.get("WEFT_SHOW_RATES"):
            print("%-16s alone %5.0f/s attacked %5.0f/s longest %3.0f ms rounds %4d +%d KB" %
                  (name, alone, attacked, 1e3 * self.polite.longest, rounds, most),
                  file=sys.stderr)
        self.assertGreater(attacked, RATE_LEAST)
        self.assertGreaterEqual(rounds, TURNS)
        self.assertLess(self.polite.longest, WAIT_MOST)
        self.assertLess(most, MEMORY_KB)
        return attacked / alone

    def test_floods_do_not_starve_others(self):
        for name in ATTACKS:
            with self.subTest(attack=name):
                self.assertTrue(any(self.fight(name) >= 0.5 for _ in range(TRIES)))

    def told(self, flood):
        s = h2.connect(self.server.port)
        try:
            s.sendall(flood)
        except OSError:
            pass
        error = h2.goaway_error(s)
        s.close()
        return error

    def test_floods_are_told_to_calm_down(self):
        for name in ("pings", "settings", "priorities", "empty_data", "refused_streams"):
            # so much that it is over the limit and yet fits into the socket
            with self.subTest(attack=name):
                self.assertIn(self.told(ATTACKS[name]()[:150000]), (CALM, None))
        self.assertEqual(self.told(h2.frame(h2.PING, 0, 0, b"12345678") * 4), CALM)

    def test_slow_handshakes_end_in_time(self):
        certs = Certificates()
        server = echo_server(*certs.server_args(), "--set", "handshake_ms=700")
        slow = [h2.connect(server.port, greet=False) for _ in range(100)]
        until = time.monotonic() + 2.0
        hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500)
        at = 0
        while time.monotonic() < until:
            for s in slow:
                try:
                    s.send(hello[at:at + 1])
                except OSError:
                    pass
            at += 1
            time.sleep(0.05)
        self.assertTrue(all(h2.is_closed(s, 1) for s in slow))
        for s in slow:
            s.close()
        wait_for(lambda: server.open_files() < 20)
        self.assertTrue(server.stop())
        certs.close()

    def test_silent_connections_cost_little_and_go(self):
        count = int(os.environ.get("WEFT_SILENT", "1000"))
        self.allowed_kb += 16 * count
        silent = [h2.connect(self.server.port, greet=False) for _ in range(count)]
        wait_for(lambda: self.server.open_files() >= min(count, self.before_files + count // 2)
                 or self.server.open_files() <= self.before_files + count)
        self.assertLess(self.server.memory_kb() - self.before_kb, 60 * count + 4096)
        self.assertEqual(self.polite.once(b"x", timeout=10), b"x")
        self.assertTrue(all(h2.is_closed(s, 10) for s in silent))
        for s in silent:
            s.close()

    def test_greeted_and_then_idle_ones_stay(self):
        s = h2.connect(self.server.port)
        time.sleep(1.5)
        s.sendall(h2.request(1, "/test.Echo/Once", end=True))
        self.assertTrue(s.recv(65536))
        s.close()

    def test_who_does_not_read_costs_its_window(self):
        stuck = []
        for _ in range(20):
            s = h2.connect(self.server.port, settings=h2.setting(4, 1 << 20),
                           receive_buffer=4096)
            s.sendall(b"".join(h2.request(1 + 2 * i, "/test.Echo/List") +
                               h2.frame(h2.DATA, 1, 1 + 2 * i, h2.message(b"1000 60000"))
                               for i in range(20)))
            stuck.append(s)
        self.polite.rate(1.0)
        cpu = self.server.cpu_seconds()
        time.sleep(1.0)
        self.assertLess(self.server.cpu_seconds() - cpu, 0.2)
        # 400 streams, one message of each made and some bytes in the socket
        self.assertLess(self.server.memory_kb() - self.before_kb, 400 * 3 * 64 + 20 * 128 + 8192)
        self.before_kb += 400 * 3 * 64
        for s in stuck:
            s.close()

    def test_windows_of_one_byte_move_on_and_starve_nobody(self):
        s = h2.connect(self.server.port, settings=h2.setting(4, 1))
        s.sendall(h2.request(1, "/test.Echo/List") +
                  h2.frame(h2.DATA, 1, 1, h2.message(b"1 2000")))
        got = b""
        for _ in range(200):
            s.sendall(h2.frame(h2.WINDOW, 0, 1, struct.pack(">I", 1)))
            got += s.recv(65536)
        self.assertGreater(len(got), 200 * 10)
        self.assertGreater(self.polite.rate(0.3), RATE_LEAST)
        s.close()

    def test_half_messages_end_at_their_limit(self):
        server = echo_server("--set", "partial_bytes=%d" % (8 << 20))
        before = server.memory_kb()
        s = h2.connect(server.port)
        piece = bytes(16384)
        s.settimeout(0.05)
        until = time.monotonic() + 3
        for i in range(40):  # each promises 90 MB and brings 1 MB
            stream = 1 + 2 * i
            s.sendall(h2.request(stream, "/test.Echo/Sum") +
                      h2.frame(h2.DATA, 0, stream, b"\0" + struct.pack(">I", 90 << 20)))
            for _ in range(60):
                try:
                    s.sendall(h2.frame(h2.DATA, 0, stream, piece))
                    s.recv(65536)
                except socket.timeout:
                    pass
                except OSError:
                    break
            if time.monotonic() > until:
                break
        self.assertLess(server.memory_kb() - before, 24 << 10)
        s.close()
        self.assertTrue(server.stop())

    def test_http_1_and_noise_are_dropped(self):
        for noise in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", bytes(range(256)) * 20, h2.PREFACE[:10]):
            s = h2.connect(self.server.port, greet=False)
            s.sendall(noise)
            self.assertTrue(h2.is_closed(s))
            s.close()


if __name__ == "__main__":
    unittest.main()
