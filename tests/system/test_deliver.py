"""Deliver, asked by grpcio with hand-made messages, over a real ledger."""

import hashlib
import os
import queue
import ssl
import subprocess
import time
import unittest

import grpc

import wire
from fabric_network import (ORDERER, Orderer, channel_creation, copy_ledger, orderer_admin, org,
                            until)
from harness import BIN, Certificates, Folder, ROOT, fixture, wait_until
from wire import ALL, NEWEST, OLDEST, UNSET, at, channel_header, envelope, seek

HEIGHT = 79
BLOCK_UNTIL_READY, FAIL_IF_NOT_READY = 0, 1
NEXT_COMMIT = wire.data(4, b"")  # of later versions: here a position that is not set


class Stream:
    """One Deliver stream."""

    def __init__(self, channel, who=None):
        self.who = who or org(1)
        self.requests = queue.Queue()
        call = channel.stream_stream("/orderer.AtomicBroadcast/Deliver")
        self.answers = call(iter(self.requests.get, None), timeout=30)

    def ask(self, info, channel="mychannel", header=None):
        self.requests.put(self.who.envelope(header or channel_header(channel), info))

    def read(self):
        return wire.read_deliver(next(self.answers))

    def until_status(self):
        """The numbers of the blocks that come, and the status behind them."""
        numbers = []
        while True:
            answer = self.read()
            if answer[0] == "status":
                return numbers, answer[1]
            numbers.append(answer[1])

    def ended(self):
        try:
            next(self.answers)
        except StopIteration:
            return True
        return False


class DeliverTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.dir = cls.folder.__enter__()
        copy_ledger(cls.dir)
        cls.ca = fixture(f"{ORDERER}/tls/ca.crt")
        cls.certs = Certificates(cls.dir / "tls")
        cls.client = cls.certs.make("client")

    @classmethod
    def tearDownClass(cls):
        cls.folder.__exit__()

    def orderer(self, client_auth=False):
        env = {"ORDERER_GENERAL_TLS_CLIENTAUTHREQUIRED": str(client_auth).lower(),
               "ORDERER_GENERAL_TLS_CLIENTROOTCAS": f"[{self.certs.ca}]"}
        return Orderer(self.dir, "etcdraft", env)

    def test_every_row_of_the_seek_table(self):
        top = HEIGHT - 1
        rows = [  # start, stop, behavior, blocks, status
            (OLDEST, OLDEST, 0, [0], 200),
            (OLDEST, NEWEST, 0, range(0, HEIGHT), 200),
            (OLDEST, at(5), 0, range(0, 6), 200),
            (OLDEST, at(99), 1, range(0, HEIGHT), 404),
            (NEWEST, NEWEST, 0, [top], 200),
            (NEWEST, OLDEST, 0, [top], 200),
            (NEWEST, at(5), 0, [], 400),
            (NEWEST, at(top), 0, [top], 200),
            (NEWEST, at(99), 1, [top], 404),
            (at(7), OLDEST, 0, [7], 200),
            (at(7), NEWEST, 0, range(7, HEIGHT), 200),
            (at(7), at(9), 0, [7, 8, 9], 200),
            (at(7), at(6), 0, [], 400),
            (at(7), at(ALL), 1, range(7, HEIGHT), 404),
            (at(HEIGHT), OLDEST, 1, [], 404),
            (at(HEIGHT), NEWEST, 1, [], 404),
            (at(HEIGHT + 1), at(ALL), 0, [], 404),
            (at(HEIGHT + 1), at(0), 0, [], 404),
            (OLDEST, UNSET, 0, [0], 200),
            (at(70), UNSET, 1, range(70, HEIGHT), 404),
            (UNSET, NEWEST, 0, [], 404),
            (NEXT_COMMIT, at(ALL), 0, [], 404),
            (OLDEST, NEXT_COMMIT, 0, [0], 200),
            (at(70), NEXT_COMMIT, 1, range(70, HEIGHT), 404),
            (None, NEWEST, 0, [], 400),
            (OLDEST, None, 0, [], 400),
            (at(7), at(8), 7, [7, 8], 200),
        ]
        with self.orderer() as orderer, orderer.connect() as channel:
            for row in rows:
                with self.subTest(row=row):
                    stream = Stream(channel)
                    stream.ask(seek(row[0], row[1], row[2]))
                    numbers, status = stream.until_status()
                    self.assertEqual(numbers, list(row[3]))
                    self.assertEqual(status, row[4])
                    if status != 200:
                        self.assertTrue(stream.ended())

    def test_blocks_are_those_of_the_fixture(self):
        with self.orderer() as orderer, orderer.connect() as channel:
            stream = Stream(channel)
            stream.ask(seek(OLDEST, NEWEST))
            for n in range(HEIGHT):
                _, number, block = stream.read()
                self.assertEqual(number, n)
                path = fixture(f"ledger-small/blocks-orderer/{n}.block")
                self.assertEqual(block, path.read_bytes())
            self.assertEqual(stream.read(), ("status", 200))

    def test_refusals_in_fabrics_order(self):
        good = seek(OLDEST, NEWEST)
        hour_ago = channel_header("mychannel", timestamp=1)
        rows = [
            (b"", 400),
            (b"\x0a\x05junk!", 400),
            (wire.data(1, b""), 400),
            (envelope(b"", good), 400),  # no timestamp
            (envelope(hour_ago, good), 400),
            (envelope(channel_header("nochannel"), good), 404),
            (envelope(channel_header("nochannel"), b"\xff"), 404),
            (envelope(channel_header("mychannel"), b"\x0a\xff"), 400),
        ]
        with self.orderer() as orderer, orderer.connect() as channel:
            for request, status in rows:
                with self.subTest(request=request):
                    stream = Stream(channel)
                    stream.requests.put(request)
                    self.assertEqual(stream.until_status(), ([], status))
                    self.assertTrue(stream.ended())

    def test_many_seeks_on_one_stream(self):
        with self.orderer() as orderer, orderer.connect() as channel:
            stream = Stream(channel)
            for n in (3, 2, 1):
                stream.ask(seek(at(n), at(n + 1)))  # sent at once, answered in turn
            for n in (3, 2, 1):
                self.assertEqual(stream.until_status(), ([n, n + 1], 200))
            stream.requests.put(None)  # half-close
            self.assertTrue(stream.ended())

    def test_a_refusal_leaves_what_was_asked_behind_it_without_an_answer(self):
        with self.orderer() as orderer, orderer.connect() as channel:
            stream = Stream(channel)
            for start, stop in ((1, 1), (2, 2), (4, 3), (5, 5)):
                stream.ask(seek(at(start), at(stop)))
            self.assertEqual([stream.until_status() for _ in range(3)],
                             [([1], 200), ([2], 200), ([], 400)])
            self.assertTrue(stream.ended())

    def test_waits_at_the_tip_until_the_client_has_gone(self):
        with self.orderer() as orderer, orderer.connect() as channel:
            stream = Stream(channel)
            stream.ask(seek(at(77), at(ALL)))
            self.assertEqual(stream.read()[1], 77)
            self.assertEqual(stream.read()[1], 78)
            stream.answers.cancel()
            again = Stream(channel)
            again.ask(seek(NEWEST, NEWEST))
            self.assertEqual(again.until_status(), ([78], 200))

    def test_binds_requests_to_the_clients_certificate(self):
        cert, key = (path.read_bytes() for path in self.client)
        der_hash = hashlib.sha256(ssl.PEM_cert_to_DER_cert(cert.decode())).digest()
        credentials = grpc.ssl_channel_credentials(self.ca.read_bytes(), key, cert)
        with (self.orderer(client_auth=True) as orderer,
              grpc.secure_channel(orderer.address, credentials) as channel):
            for claimed, status in ((der_hash, 200), (b"", 400), (b"x" * 32, 400)):
                stream = Stream(channel)
                stream.ask(seek(NEWEST, NEWEST),
                           header=channel_header("mychannel", tls_hash=claimed))
                self.assertEqual(stream.until_status()[1], status)
            nobody = grpc.ssl_channel_credentials(self.ca.read_bytes())
            with grpc.secure_channel(orderer.address, nobody) as stranger:
                with self.assertRaises(grpc.RpcError):
                    Stream(stranger).read()

    def test_peer_channel_fetch_writes_the_block(self):
        msp = fixture("crypto/peerOrganizations/org1.example.com/users/Admin@org1.example.com/msp")
        env = {"FABRIC_CFG_PATH": str(ROOT / "sampleconfig"), "CORE_PEER_LOCALMSPID": "Org1MSP",
               "CORE_PEER_MSPCONFIGPATH": str(msp), "FABRIC_LOGGING_SPEC": "info"}
        orderer = self.orderer(client_auth=True)

        def fetch(what, *more):
            out = self.dir / "fetched.block"
            out.unlink(missing_ok=True)
            done = subprocess.run(
                [BIN / "peer", "channel", "fetch", what, out, "-c", "mychannel", "-o", orderer.address,
                 "--tls", "--cafile", self.ca, "--clientauth", "--certfile", self.client[0],
                 "--keyfile", self.client[1], *more], env=os.environ | env, capture_output=True,
                text=True, timeout=30, check=False)
            return done, out

        with orderer:
            for what, number in (("0", 0), ("oldest", 0), ("newest", 78), ("config", 64)):
                done, out = fetch(what)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn(f"Received block: {number}", done.stderr)
                path = fixture(f"ledger-small/blocks-orderer/{number}.block")
                self.assertEqual(out.read_bytes(), path.read_bytes())
            done, out = fetch("999")
            self.assertEqual(done.returncode, 1)
            self.assertIn("Error: can't read the block: &{NOT_FOUND}", done.stderr)
            self.assertFalse(out.exists())
            done, _ = fetch("some")
            self.assertIn("Error: fetch target illegal: some", done.stderr)

    def test_stops_and_reports_when_told(self):
        with self.orderer() as orderer:
            orderer.process.popen.send_signal(10)
            orderer.process.wait_for("Go routines report")
            orderer.process.wait_for(r"Channel \[mychannel\] has height \[79\]")
            self.assertEqual(orderer.process.stop(15, timeout=5), 0)
            self.assertIn("Received signal: 15 (terminated)", orderer.process.log())

    def test_two_orderers_do_not_share_a_ledger(self):
        with self.orderer():
            second = self.orderer()
            second.process.wait_for("lock is already acquired on file .*/index/LOCK")
            self.assertEqual(second.process.popen.wait(10), 2)
            second.process.stop()


class Waiting(unittest.TestCase):
    """What comes after the newest block, on a chain of three that grows by three."""

    rows = [  # start, stop, behavior; blocks at once; later: blocks and status (None: no end)
        (OLDEST, at(4), 0, [0, 1, 2], [3, 4], 200),
        (NEWEST, at(3), 0, [2], [3], 200),
        (NEWEST, at(2), 0, [2], [], 200),
        (NEWEST, at(1), 0, [], [], 400),
        (at(1), at(5), 0, [1, 2], [3, 4, 5], 200),
        (at(3), at(3), 0, [], [3], 200),
        (at(3), OLDEST, 0, [], [3], 200),
        (at(3), NEWEST, 0, [], [3, 4, 5], None),  # its stop is behind it already
        (at(2), at(ALL), 0, [2], [3, 4, 5], None),
        (at(2), UNSET, 0, [2], [3, 4, 5], None),
        (at(3), UNSET, 7, [], [3, 4, 5], None),  # as BLOCK_UNTIL_READY
        (OLDEST, UNSET, 0, [0], [], 200),
        (at(4), at(5), 0, [], [], 404),
        (at(4), at(1), 0, [], [], 404),
        (UNSET, at(5), 0, [], [], 404),
        (OLDEST, at(4), 1, [0, 1, 2], [], 404),
        (NEWEST, at(3), 1, [2], [], 404),
        (at(3), at(3), 1, [], [], 404),
        (at(3), OLDEST, 1, [], [], 404),
        (at(3), NEWEST, 1, [], [], 404),
        (at(2), at(ALL), 1, [2], [], 404),
    ]

    def setUp(self):
        folder = Folder()
        self.who, self.orderer = org(1), Orderer(folder.__enter__(), "solo").ready()
        self.addCleanup(folder.__exit__)
        self.addCleanup(self.orderer.process.stop, 9)
        self.assertEqual(self.orderer.submit(channel_creation(self.who)), (200, ""))
        self.grow(1, 2)

    def grow(self, first, last):
        """Blocks of one message each: the next is sent when the one before is there."""
        for n in range(first, last + 1):
            self.assertEqual(self.orderer.submit(self.who.message("mychannel", b"x")), (200, ""))
            with self.orderer.connect() as channel:
                stream = Stream(channel)
                stream.ask(seek(at(n), at(n)))
                self.assertEqual(stream.until_status(), ([n], 200))

    def test_every_row_of_the_seek_table_at_the_newest_block(self):
        with self.orderer.connect() as channel:
            streams = []
            for start, stop, behavior, at_once, *_ in self.rows:
                stream = Stream(channel)
                stream.ask(seek(start, stop, behavior))
                self.assertEqual([stream.read()[1] for _ in at_once], at_once)
                streams.append(stream)
            refused = [s for s, row in zip(streams, self.rows) if row[2] == 1]
            for stream in refused:  # before there is more
                self.assertEqual(stream.read(), ("status", 404))
            self.grow(3, 5)
            for stream, row in zip(streams, self.rows):
                with self.subTest(row=row):
                    self.assertEqual([stream.read()[1] for _ in row[4]], row[4])
                    if row[5] is not None and stream not in refused:
                        self.assertEqual(stream.read(), ("status", row[5]))

    def test_a_certificate_that_ends_while_its_owner_waits(self):
        with self.orderer.connect() as channel:
            for seconds, status in ((-60, 403), (600, 200)):
                stream = Stream(channel, until(1, seconds))
                stream.ask(seek(NEWEST, NEWEST))
                self.assertEqual(stream.until_status()[1], status)
            ends = time.time() + 4
            stream = Stream(channel, until(1, 3))
            stream.ask(seek(NEWEST, at(ALL)))
            self.assertEqual(stream.read()[1], 2)
            wait_until(lambda: time.time() > ends)
            self.grow(3, 3)
            self.assertEqual(stream.until_status(), ([], 403))

    def test_who_may_not_read(self):
        good = self.who.seek("mychannel", seek(NEWEST, NEWEST))
        unsigned = wire.data(1, wire.field(good, 1))
        rows = [
            (good, 200),
            (unsigned, 403),
            (unsigned + wire.data(2, self.who.sign(b"something else")), 403),
            (envelope(channel_header("mychannel"), seek(NEWEST, NEWEST)), 403),
            (self.who.seek("system-channel", seek(NEWEST, NEWEST)), 403),
            (orderer_admin().seek("mychannel", seek(NEWEST, NEWEST)), 200),
            (orderer_admin().seek("mychannel", seek(None, NEWEST)), 400),
            (unsigned + wire.data(2, b"x"), 403),
        ]
        with self.orderer.connect() as channel:
            for request, status in rows:
                stream = Stream(channel)
                stream.requests.put(request)
                self.assertEqual(stream.until_status()[1], status)

    def test_the_log_says_why(self):
        log = self.orderer.process
        with self.orderer.connect() as channel:
            for start, stop, status, words in (
                    (at(2), at(1), 400, r"Received invalid seekInfo message from \S+: start number 2 "
                     "greater than stop number 1"),
                    (None, at(1), 400, r"Received seekInfo message from \S+ with missing start or "
                     "stop"),
                    (at(9), at(9), 404, "Error reading from channel, cause was: NOT_FOUND")):
                stream = Stream(channel)
                stream.ask(seek(start, stop))
                self.assertEqual(stream.until_status(), ([], status))
                log.wait_for(r"\[channel: mychannel\] " + words)
            for who, words in ((until(1, -60), "deliver client identity expired 1m0"),
                               (org(1), "implicit policy evaluation failed")):
                stream = Stream(channel, who)
                stream.ask(seek(NEWEST, NEWEST), "mychannel" if "1m" in words else "system-channel")
                self.assertEqual(stream.until_status(), ([], 403))
                log.wait_for(r"\[channel: \S+\] Client \S+ is not authorized: .*" + words)


if __name__ == "__main__":
    unittest.main()
