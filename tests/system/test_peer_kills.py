"""A peer is killed (kill -9) again and again while it catches up.  Whatever the moment: what it
had announced is there, all of its stores stand at one block, and in the end they are those of
a peer that was never killed.

WEFT_KILLS says how often, on two chains together (100, with a sanitizer 20): counted are kills
that hit a peer that was not at the end of its chain.  After each one the next start shows what is
there; after each tenth all stores of a copy are looked through."""

import json
import os
import random
import re
import shutil
import subprocess
import time
import unittest

from fabric_network import free_port
from harness import Folder, SANITIZED, TEST_BIN, weft
from made_network import CHANNEL, MadeNetwork
from peer_node import FakeOrderer, LAST, Peer, Script, blocks_from

DATABASES = ("stateLeveldb", "historyLeveldb", "pvtdataStore", "configHistory", "bookkeeper",
             "chains/index", "ledgerProvider")
KILLS = int(os.environ.get("WEFT_KILLS", "20" if SANITIZED else "100"))
LOOK_EVERY = 10
COMMITTED = re.compile(r"\] Committed block \[(\d+)\]")


def announced(process):
    """The blocks that it said it has committed: it says so once they are announced."""
    return [int(n) for n in COMMITTED.findall(process.log())]


def wait_for_blocks(process, count, last, timeout=120):
    """Until it has said so of so many, or of this one."""
    end, seen, said = time.monotonic() + timeout, 0, 0
    with process.changed:
        while True:
            for line in process.lines[seen:]:
                if line is None:
                    raise AssertionError(f"ended by itself:\n{process.log()}")
                match = COMMITTED.search(line)
                said += match is not None
                if match and (said >= count or int(match[1]) >= last):
                    return
            seen = len(process.lines)
            left = end - time.monotonic()
            if left <= 0 or not process.changed.wait(left):
                raise AssertionError(f"no {count} blocks came:\n{process.log()}")


def stores(ledger):
    """Everything in a peer's files that follows from its blocks: {what: content}."""
    found = {}
    for name in DATABASES:
        found[name] = subprocess.run([TEST_BIN / "kv_dump", ledger / name], capture_output=True,
                                     text=True, check=True, timeout=120).stdout
    for path in (ledger / "chains/chains" / CHANNEL).iterdir():
        found[path.name] = path.read_bytes()
    return found


class Fixture:
    """79 blocks of a real network with collections whose data expires, by an orderer that gives
    as many as it is told."""

    height = LAST + 1

    def __init__(self, folder):
        self.folder = folder
        self.orderer = FakeOrderer().start()

    def end(self):
        self.orderer.stop()

    def join(self, name):
        """A peer that has joined, in a folder of this name, and was killed."""
        with Peer(self.made(name), self.orderer.address) as peer:
            self.orderer.scripts = [Script(hang=True)]
            peer.join()

    def made(self, name):
        (self.folder / name).mkdir()
        return self.folder / name

    def start(self, name, more=LAST):
        """A peer that goes on in that folder, with so many blocks or some more."""
        self.orderer.scripts = [
            lambda start: Script(*blocks_from(start, min(start + more + 8, LAST)), hang=True)]
        return Peer(self.folder / name, self.orderer.address).start().process

    def alone(self, name):
        """One that nobody gives blocks to."""
        return Peer(self.folder / name, f"127.0.0.1:{free_port()}").start().process


class Bench:
    """Some thousand blocks by `weft bench chain`: conflicts, overwritten keys, private data that
    nobody has; by our orderer, as fast as it can."""

    def __init__(self, folder):
        self.folder = folder
        self.net = MadeNetwork(folder)
        self.net.configtxgen("TwoOrgsApplicationGenesis", CHANNEL, "-outputBlock",
                             f"{CHANNEL}.block")
        made = self.net.bench_chain("--ledger", "ledger", "--count", 12000, "--size", 40,
                                    "--conflicts", 10, "--badPolicies", 5, "--overwrites", 40,
                                    "--txsPerBlock", 4)
        self.height = json.loads(made.stdout)["height"]
        self.orderer = self.net.start_orderer(ORDERER_GENERAL_BOOTSTRAPMETHOD="none",
                                              ORDERER_FILELEDGER_LOCATION=str(folder / "ledger"))

    def end(self):
        self.orderer.stop(9)

    def join(self, name):
        process = self.alone(name)
        self.net.peer("channel", "join", "-b", f"{CHANNEL}.block")
        process.stop(9)

    def start(self, name, more=0):
        del more
        return self.net.start_peer(1, CORE_PEER_FILESYSTEMPATH=str(self.folder / name / "peer"))

    def alone(self, name):
        there = f"127.0.0.1:{self.net.orderer_port}"
        ca = self.net.orderer_node() / "tls/ca.crt"
        return self.net.start_peer(
            1, CORE_PEER_FILESYSTEMPATH=str(self.folder / name / "peer"),
            CORE_PEER_DELIVERYCLIENT_ADDRESSOVERRIDES=
            f"[{{from: '{there}', to: '127.0.0.1:{free_port()}', caCertsFile: '{ca}'}}]")


class Kills(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.dir = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.chance = random.Random(8)

    def ledger(self, name):
        return self.dir / name / "peer/ledgersData"

    def remove(self, name):
        shutil.rmtree(self.dir / name, ignore_errors=True)

    def kill(self, at_least):
        """Kills a peer that catches up from this height or a higher one: where it began, and what
        it had announced then."""
        count = self.chance.randrange(1, 4 + self.world.height // 60)
        process = self.world.start("killed", count)
        try:
            wait_for_blocks(process, count, self.world.height - 4)
            time.sleep(self.chance.uniform(0, 0.01))
        finally:
            process.stop(9)
        said = announced(process)
        self.assertGreaterEqual(said[0], at_least)  # what was announced is still there
        self.assertEqual(said, list(range(said[0], said[0] + len(said))))  # no gap, nothing twice
        return said[0], said[-1] + 1

    def height_now(self):
        """A peer opens a copy of what the killed one left: all stores, at one height."""
        shutil.copytree(self.dir / "killed", self.dir / "copy")
        process = self.world.alone("copy")
        try:
            process.wait_for(r"Started peer with ID=")
        finally:
            status = process.stop()
        self.assertEqual(status, 0, process.log())
        done = weft("ledger", "verify", self.ledger("copy"), "--replay")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.remove("copy")
        return int(re.search(r"replayed: (\d+) blocks", done.stdout).group(1))

    def finish(self, name):
        """Without being killed any more."""
        process = self.world.start(name)
        process.wait_for(rf"\] Committed block \[{self.world.height - 1}\]", timeout=120)
        self.assertEqual(process.stop(), 0, process.log())
        return stores(self.ledger(name))

    def begin(self):
        self.remove("killed")
        self.world.join("killed")

    def kill_many(self, wanted):
        """How often it was hit on the way, and how often at the end."""
        hits, ends, height, is_killed = 0, 0, 0, False
        while hits < wanted:
            if height == 0 or height > self.world.height * 4 // 5:  # once more from the start
                self.begin()
                height, is_killed = 1, False
            began, height = self.kill(height)
            hits += is_killed  # the time before: it went on from where it was
            is_killed = True
            if (hits + 1) % LOOK_EVERY == 0 or height > self.world.height * 4 // 5:
                there = self.height_now()
                self.assertGreaterEqual(there, height)
                hits += there < self.world.height  # or it was through before the signal came
                ends += there == self.world.height
                height, is_killed = there, False
            self.assertGreaterEqual(height, began)
            self.assertLess(ends, wanted + 5)
        return hits, ends, height

    def run_kills(self, world):
        self.world = world
        self.addCleanup(world.end)
        hits, ends, height = self.kill_many((KILLS + 1) // 2)
        print(f"kill -9: {hits} times on the way, {ends} times at the end, "
              f"of {world.height} blocks", flush=True)
        if height == world.height:
            self.begin()
            self.kill(1)
        ours = self.finish("killed")
        world.join("whole")
        wanted = self.finish("whole")
        self.assertEqual(sorted(ours), sorted(wanted))
        for name, content in wanted.items():
            self.assertTrue(ours[name] == content, f"{name} is another one")

    def test_on_a_real_networks_chain_all_stores_end_as_without_a_kill(self):
        self.run_kills(Fixture(self.dir))

    def test_on_a_long_chain_all_stores_end_as_without_a_kill(self):
        self.run_kills(Bench(self.dir))


if __name__ == "__main__":
    unittest.main()
