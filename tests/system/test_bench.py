"""weft bench deliver and broadcast: what they count is what was there."""

import json
import pathlib
import re
import subprocess
import unittest

import wire
from fabric_network import Orderer, channel_creation, envelopes, org
from harness import BIN, Folder, Process, SANITIZED, fixture, wait_until
from made_network import CHANNEL, MadeNetwork

ORDERER_CA = "crypto/ordererOrganizations/example.com/orderers/orderer.example.com/tls/ca.crt"
ADMIN = "crypto/peerOrganizations/org1.example.com/users/Admin@org1.example.com/msp"


class Bench(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.dir = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.orderer = Orderer(self.dir, "etcdraft").ready()
        self.addCleanup(self.orderer.process.stop, 9)
        self.assertEqual(self.orderer.submit(channel_creation(org(1))), (200, ""))

    def argv(self, what, *args):
        return [BIN / "weft", "bench", what, "-o", self.orderer.address, "--tls", "--cafile",
                fixture(ORDERER_CA), "--mspdir", fixture(ADMIN), "--mspid", "Org1MSP", "--pid",
                self.orderer.process.popen.pid, *args]

    def bench(self, what, *args, channel="mychannel"):
        done = subprocess.run([*map(str, self.argv(what, *args)), "-c", channel],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout), done.stderr

    def rss(self):
        status = pathlib.Path(f"/proc/{self.orderer.process.popen.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def test_broadcast_counts_what_was_accepted_and_ordered(self):
        got, errors = self.bench("broadcast", "--clients", 3, "--threads", 2, "--count", 1000,
                                 "--window", 20, "--size", 500, "--follow")
        self.assertEqual(errors, "")
        self.assertEqual(got["status"], {"SUCCESS": 1000})
        self.assertEqual((got["answered"], got["ordered"], got["timed_out"]), (1000, 1000, False))
        blocks, _ = self.orderer.blocks(org(1), "mychannel", wire.at(1))
        self.assertEqual(got["blocks"], len(blocks))
        sent = {e for block in blocks for e in envelopes(block)}
        self.assertEqual(len(sent), 1000)
        for what in ("ack_ms", "ordered_ms"):
            self.assertTrue(0 < got[what]["p50"] <= got[what]["p99"] <= got[what]["max"], got)
        self.assertGreater(got["accepted_per_s"], 0)
        self.assertGreater(got["server"]["rss_mb"]["peak"], 1)

    def test_broadcast_says_what_was_refused(self):
        large = self.bench("broadcast", "--count", 1, "--size", 104000000, "--follow")[0]
        self.assertEqual((large["status"], large["ordered"]), ({"BAD_REQUEST": 1}, 0))
        got, errors = self.bench("broadcast", "--count", 10, channel="nowhere")
        self.assertEqual((got["status"], got["accepted_per_s"]), ({"NOT_FOUND": 1}, 0))
        self.assertIn("not all was accepted: status 404", errors)  # which ends the stream

    def test_deliver_counts_blocks_and_bytes(self):
        self.bench("broadcast", "--count", 300)
        blocks, _ = self.orderer.blocks(org(1), "mychannel")
        got, _ = self.bench("deliver", "--clients", 4, "--threads", 2)
        self.assertEqual((got["good"], got["blocks"]), (4, 4 * len(blocks)))
        self.assertEqual(got["bytes"], 4 * sum(map(len, blocks)))
        got, _ = self.bench("deliver", "--start", 3, "--stop", 7, "--window", 65536)
        self.assertEqual((got["blocks"], got["bytes"]), (5, sum(map(len, blocks[3:8]))))
        got, _ = self.bench("deliver", "--clients", 4, "--start", 2, "--spread")
        rest = len(blocks) - 2
        self.assertEqual((got["good"], got["blocks"]),
                         (4, sum(rest - i * rest // 4 for i in range(4))))
        got, _ = self.bench("deliver", "--clients", 60, "--atOnce", 6, "--threads", 2, "--stop", 0)
        self.assertEqual((got["good"], got["handshakes_at_once"]), (60, 6))
        got, _ = self.bench("deliver", "--bestEffort", "--stop", 0)
        self.assertEqual((got["good"], got["blocks"]), (1, 1))
        got, errors = self.bench("deliver", channel="nowhere")
        self.assertEqual((got["good"], got["blocks"]), (0, 0))
        self.assertIn("NOT_FOUND", errors)

    def test_deliver_waits_for_the_block_that_comes_next(self):
        argv = [*self.argv("deliver", "--clients", 50, "--start", "next"), "-c", "mychannel"]
        out = self.dir / "out.json"
        with out.open("w") as file, Process(argv, stdout=file) as waiting:
            waiting.wait_for("50 streams are open")
            self.assertEqual(self.orderer.submit(org(1).message("mychannel", b"x")), (200, ""))
            self.assertEqual(waiting.popen.wait(60), 0)
        got = json.loads(out.read_text())
        self.assertEqual((got["good"], got["blocks"]), (50, 50))

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is its own")
    def test_an_orderer_that_waits_has_less_than_ten_megabytes(self):
        self.orderer.stop()
        self.orderer = Orderer(self.dir, "etcdraft").ready()
        self.addCleanup(self.orderer.process.stop, 9)
        wait_until(lambda: self.rss() <= 10000, what="an idle orderer's memory")
        self.bench("broadcast", "--count", 2000, "--size", 20000)
        self.assertEqual(self.bench("deliver", "--clients", 20)[0]["good"], 20)
        wait_until(lambda: self.rss() <= 16000, what="its memory after the last stream")

    @unittest.skipIf(SANITIZED, "a sanitizer's memory is its own")
    def test_what_many_connections_held_goes_back_with_them(self):
        argv = [*self.argv("deliver", "--start", "next", "--clients", 600), "-c", "mychannel"]
        wait_until(lambda: self.rss() <= 8000, what="what making the channel held")
        with Process(argv) as waiting:
            waiting.wait_for("600 streams are open")
            self.assertGreater(self.rss(), 20000)
            waiting.stop(9)
        wait_until(lambda: self.rss() <= 12000, what="its memory without them")

    def test_the_orderer_says_whose_streams_went_with_their_connection(self):
        argv = [*self.argv("deliver", "--start", "next"), "-c", "mychannel"]
        with Process(argv) as waiting:
            waiting.wait_for("1 streams are open")
            waiting.stop(9)
        self.orderer.process.wait_for(
            r"streaming call completed .*grpc.method=Deliver grpc.peer_address=127.0.0.1:\d+ "
            r"error=.*grpc.code=Canceled")

    def test_a_server_that_is_not_there(self):
        done = subprocess.run([BIN / "weft", "bench", "deliver", "-c", "a", "-o", "127.0.0.1:1",
                               "--mspdir", fixture(ADMIN), "--mspid", "Org1MSP"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(json.loads(done.stdout)["good"], 0)
        self.assertIn("connection refused", done.stderr)


class Latency(unittest.TestCase):
    """A message a block."""

    def test_in_turn_the_next_waits_for_the_block_with_the_one_before(self):
        with Folder() as folder:
            net = MadeNetwork(folder, "solo", [("MaxMessageCount: 500", "MaxMessageCount: 1")])
            with net.start_orderer():
                net.create_channel()
                done = net.run("weft", "bench", "broadcast", "-c", CHANNEL, *net.to_orderer(),
                               "--mspdir", net.org(1) / "users/Admin@org1.example.com/msp",
                               "--mspid", "Org1MSP", "--count", 200, "--inTurn")
        got = json.loads(done.stdout)
        self.assertEqual((got["ordered"], got["blocks"], got["window"]), (200, 200, 1))
        # Nothing was queued: they took their times one after the other.
        self.assertLess(200 * got["ordered_ms"]["p50"] / 1000, 2 * got["seconds"])


if __name__ == "__main__":
    unittest.main()
