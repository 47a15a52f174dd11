"""More than an orderer can take: it says so, its memory has an end, and what it has
acknowledged is in exactly one block."""

import json
import pathlib
import re
import subprocess
import threading
import unittest

import grpc

import chain_check
from fabric_network import Broadcast, Orderer, channel_creation, content, org
from harness import BIN, Folder, SANITIZED, fixture, wait_until

ORDERER_CA = "crypto/ordererOrganizations/example.com/orderers/orderer.example.com/tls/ca.crt"
ADMIN = "crypto/peerOrganizations/org1.example.com/users/Admin@org1.example.com/msp"
CLIENTS, WINDOW, SIZE = 60, 400, 100  # 24,000 envelopes at once, of which the chain takes 4,096
STREAMS = 4


def note(orderer, who, name, noted, stop):
    """Streams, one after the other as they are refused; notes what was acknowledged."""
    sent = 0
    while not stop.is_set():
        with orderer.connect() as channel:
            stream, waiting = Broadcast(channel), []
            try:
                while not stop.is_set():
                    while len(waiting) < 50:
                        waiting.append(f"{name} {sent}".encode())
                        stream.send(who.message("mychannel", waiting[-1]))
                        sent += 1
                    status = stream.read()[0]
                    noted.append((status, waiting.pop(0)))  # atomic in Python
                    if status != 200:
                        break
            except (grpc.RpcError, StopIteration):
                pass


class Memory:
    """The orderer's, sampled until it is stopped; in megabytes."""

    def __init__(self, pid):
        self.samples, self.stop = [], threading.Event()
        self.status = pathlib.Path(f"/proc/{pid}/status")
        self.thread = threading.Thread(target=self.sample, daemon=True)
        self.thread.start()

    def now(self):
        found = re.search(r"VmRSS:\s+(\d+) kB", self.status.read_text())
        return int(found[1]) / 1000

    def sample(self):
        while not self.stop.wait(0.05):
            self.samples.append(self.now())

    def end(self):
        self.stop.set()
        self.thread.join()
        return self.samples


class Overload(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.dir = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.orderer = Orderer(self.dir, "solo").ready()
        self.addCleanup(self.orderer.process.stop, 9)
        self.assertEqual(self.orderer.submit(channel_creation(org(1))), (200, ""))

    def flood(self, count):
        argv = [BIN / "weft", "bench", "broadcast", "-o", self.orderer.address, "--tls", "--cafile",
                fixture(ORDERER_CA), "--mspdir", fixture(ADMIN), "--mspid", "Org1MSP",
                "-c", "mychannel", "--clients", CLIENTS, "--window", WINDOW, "--size", SIZE,
                "--count", count]
        done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=300,
                              check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_what_is_too_much_is_refused_and_what_is_acknowledged_is_kept(self):
        noted, stop = [], threading.Event()
        memory = Memory(self.orderer.process.popen.pid)
        if not SANITIZED:  # to make a channel took more than to have it
            wait_until(lambda: memory.now() < 8, what="the memory of an orderer with a channel")
        threads = [threading.Thread(target=note, args=(self.orderer, org(1), f"n{i}", noted, stop))
                   for i in range(STREAMS)]
        for t in threads:
            t.start()
        wait_until(lambda: len(noted) > 10)
        first = self.flood(40000)
        reached = max(memory.samples)
        second = self.flood(80000)
        stop.set()
        for t in threads:
            t.join()
        highest = max(memory.end())
        # Afterwards there is room again.
        wait_until(lambda: self.orderer.submit(org(1).message("mychannel", b"calm"))[0] == 200)
        if not SANITIZED:  # and what the storm took has gone
            wait_until(lambda: memory.now() < 20, what="the memory of an orderer after a storm")
        self.assertEqual(self.orderer.stop(), 0)

        for flood in (first, second):
            self.assertGreater(flood["status"]["SERVICE_UNAVAILABLE"], 0)
            self.assertEqual(sorted(flood["status"]), ["SERVICE_UNAVAILABLE", "SUCCESS"])
        if not SANITIZED:  # twice the load, and no more memory
            self.assertLess(highest, 1.3 * reached + 10)
            self.assertLess(highest, 130)
        self.check(noted, [first, second])

    def check(self, noted, floods):
        chain = chain_check.read_chain(self.dir / "ledger/chains/mychannel")
        found = [content(e) for _, envelopes in chain[1:] for e in envelopes]
        self.assertEqual(len(found), len(set(found)))  # none twice
        there = set(found)
        self.assertIn(b"calm", there)
        acknowledged = [name for status, name in noted if status == 200]
        self.assertGreater(len(acknowledged), 100)
        self.assertEqual([name for name in acknowledged if name not in there], [])
        # Of the floods' envelopes those that were not answered may be there, or not.
        of_floods = sum(len(c) == SIZE for c in there)
        accepted = sum(f["status"]["SUCCESS"] for f in floods)
        self.assertGreaterEqual(of_floods, accepted)
        self.assertLessEqual(of_floods, accepted + sum(f["cut_off"] for f in floods))
        print(f"{accepted + len(acknowledged)} acknowledged, {len(there)} in {len(chain)} blocks, "
              f"{sum(f['status']['SERVICE_UNAVAILABLE'] for f in floods)} streams refused")


if __name__ == "__main__":
    unittest.main()
