"""peer node reset, rollback, rebuild-dbs, upgrade-dbs, pause, resume: on a copy of a real peer's
ledgers."""

import fcntl
import shutil
import subprocess
import unittest

from fabric_network import Orderer, copy_ledger
from harness import BIN, ROOT, Folder, fixture, weft
from peer_node import LAST, Peer, recorded


class PeerNode(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.dir = self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)
        self.ledgers = self.dir / "ledgersData"
        shutil.copytree(fixture("ledger-small/peer0.org1.example.com/ledgersData"), self.ledgers)
        subprocess.run(["chmod", "-R", "u+w", self.ledgers], check=True)
        self.channel = self.ledgers / "chains/chains/mychannel"

    def node(self, *args, config=ROOT / "sampleconfig"):
        env = {"FABRIC_CFG_PATH": str(config), "PATH": "/usr/bin:/bin",
               "CORE_PEER_FILESYSTEMPATH": str(self.dir)}
        return subprocess.run([BIN / "peer", "node", *args], env=env, cwd=self.dir,
                              capture_output=True, text=True, timeout=60, check=False)

    def succeeds(self, words, *args):
        done = self.node(*args)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def fails(self, words, *args):
        done = self.node(*args)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"Error: {words}\n", done.stderr)
        self.assertEqual(done.stdout, "")

    def height(self):
        done = subprocess.run([BIN / "weft", "ledger", "show", self.dir], capture_output=True,
                              text=True, timeout=60, check=True)
        return done.stdout

    def test_a_channel_is_rolled_back_and_everything_is_reset(self):
        self.succeeds("The channel [mychannel] has been successfully rolled back to the block "
                      "number [40]", "rollback", "-c", "mychannel", "-b", "40")
        self.assertEqual((self.channel / "__preResetHeight").read_text(), "79")
        self.assertIn("41", self.height())
        self.succeeds("All channel ledgers have been successfully reset to the genesis block",
                      "reset")
        self.assertEqual((self.channel / "__preResetHeight").read_text(), "79")
        self.assertTrue((self.channel / "__backupGenesisBlockBytes").exists())
        self.succeeds("All channel ledgers have been successfully reset to the genesis block",
                      "reset")

    def test_databases_are_dropped_and_their_folders_stay(self):
        for command in "rebuild-dbs", "upgrade-dbs":
            self.succeeds(f"Dropping all contents in StateLevelDB at location "
                          f"[{self.ledgers}/stateLeveldb] ...if present", command)
            for name in ("stateLeveldb", "historyLeveldb", "configHistory", "bookkeeper",
                         "chains/index"):
                self.assertEqual(list((self.ledgers / name).iterdir()), [])
        self.assertTrue((self.channel / "blockfile_000000").exists())
        self.assertTrue((self.ledgers / "pvtdataStore/CURRENT").exists())

    def test_a_channel_is_paused_and_resumed(self):
        self.succeeds("The channel [mychannel] has been successfully paused", "pause", "-c",
                      "mychannel")
        self.succeeds("Ledger [mychannel] is already in [INACTIVE] status, nothing to do", "pause",
                      "--channelID", "mychannel")
        self.succeeds("The channel [mychannel] has been successfully resumed", "resume", "-c",
                      "mychannel")

    def test_what_makes_no_sense_is_refused_with_fabrics_words(self):
        self.fails("ledgerID [other] does not exist", "rollback", "-c", "other", "-b", "1")
        self.fails("target block number [78] should be less than the biggest block number [78]",
                   "rollback", "-c", "mychannel", "-b", "78")
        self.fails("Must supply channel ID", "rollback", "-b", "1")
        self.fails('invalid argument "-1" for "-b, --blockNumber" flag: strconv.ParseUint: '
                   'parsing "-1": invalid syntax', "rollback", "-c", "mychannel", "-b", "-1")
        self.fails("LedgerID does not exist", "pause", "-c", "other")
        self.fails("Must supply channel ID", "pause")
        self.fails("Must supply channel ID", "resume")

    def test_nothing_is_done_while_another_command_runs(self):
        words = ("as another peer node command is executing, wait for that command to complete its "
                 "execution or terminate it before retrying: lock is already acquired on file "
                 f"{self.ledgers}/fileLock")
        with open(self.ledgers / "fileLock/LOCK", "wb") as lock: # as goleveldb takes it
            fcntl.flock(lock, fcntl.LOCK_EX)
            for command in (["reset"], ["rollback", "-c", "mychannel", "-b", "1"], ["rebuild-dbs"],
                            ["upgrade-dbs"], ["pause", "-c", "mychannel"],
                            ["resume", "-c", "mychannel"]):
                self.fails(words, *command)
        self.assertIn("79", self.height())


class Again(unittest.TestCase):
    def test_what_was_cut_off_comes_back_from_the_orderer(self):
        with Folder() as folder:
            copy_ledger(folder)
            with Orderer(folder) as orderer:
                peer = Peer(folder, orderer.address)
                with peer:
                    peer.join()
                    peer.wait_for_block(LAST)
                    busy = peer.cli("node", "reset", check=False, env=peer.env)
                    self.assertIn("Error: as another peer node command is executing", busy.stderr)
                    self.assertEqual(peer.stop(), 0)
                for command in ("rollback", "-c", "mychannel", "-b", "40"), ("reset",):
                    peer.cli("node", *command, env=peer.env)
                    with peer:
                        self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])
                        self.assertEqual(peer.stop(), 0)
            done = weft("ledger", "verify", peer.ledger())
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"good: {LAST + 1} blocks", done.stdout)


if __name__ == "__main__":
    unittest.main()
