"""A peer is killed (kill -9) again and again while it catches up.  Whatever the moment: what it
had announced is there, all of its stores stand at one block, and in the end they are those of
a peer that was never killed.

WEFT_KILLS says how often, on each of the two chains (10)."""

import json
import os
import random
import re
import shutil
import subprocess
import unittest

from fabric_network import free_port
from harness import Folder, TEST_BIN, weft
from made_network import CHANNEL, MadeNetwork
from peer_node import FakeOrderer, LAST, Peer, Script, blocks_from

DATABASES = ("stateLeveldb", "historyLeveldb", "pvtdataStore", "configHistory", "bookkeeper",
             "chains/index", "ledgerProvider")
KILLS = int(os.environ.get("WEFT_KILLS", "10"))


def announced(process):
    """The blocks that it said it has committed: it says so once they are announced."""
    return [int(n) for n in re.findall(r"\] Committed block \[(\d+)\]", process.log())]


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

    def start(self, name, last):
        """A peer that goes on in that folder, to this block or further."""
        self.orderer.scripts = [lambda start: Script(*blocks_from(start, last), hang=True)]
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

    def start(self, name, last):
        del last
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

    def kill(self, start):
        """Kills a peer that catches up from this height on; what it had announced then."""
        soon = start + self.chance.randrange(1, 4 + self.world.height // 10)
        target = min(soon, self.world.height - 4)
        process = self.world.start("killed", min(target + 8, self.world.height - 2))
        try:
            process.wait_for(rf"\] Committed block \[{target}\]", timeout=120)
        finally:
            process.stop(9)
        said = announced(process)
        self.assertEqual(said, list(range(start, start + len(said)))) # no gap, nothing twice
        return said[-1] + 1

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
        process = self.world.start(name, self.world.height)
        process.wait_for(rf"\] Committed block \[{self.world.height - 1}\]", timeout=120)
        self.assertEqual(process.stop(), 0, process.log())
        return stores(self.ledger(name))

    def run_kills(self, world):
        self.world = world
        self.addCleanup(world.end)
        hits, ends, height = 0, 0, 0
        while hits < KILLS:
            if height == 0 or height > world.height - 5: # near the end: once more from the start
                self.remove("killed")
                world.join("killed")
                height = 1
            told = self.kill(height)
            height = self.height_now()
            self.assertGreaterEqual(height, told)
            hits += height < world.height # or it was through before the signal came
            ends += height == world.height
            self.assertLess(ends, KILLS + 5)
        print(f"killed {hits} times on the way, {ends} times at the end, "
              f"of {world.height} blocks", flush=True)
        if height == world.height:
            self.remove("killed")
            world.join("killed")
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
