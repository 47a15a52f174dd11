"""weft ledger: what a node's operator sees of a ledger, and what is refused."""

import fcntl
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import time
import unittest

from harness import BIN, FIXTURES, Folder, ROOT, TEST_BIN, fixture, wait_until, weft

TINY = ROOT / "tests/vectors/ledger-tiny"


def writable_copy(path, to):
    shutil.copytree(path, to)
    subprocess.run(["chmod", "-R", "u+w", to], check=True)
    return to


def kv_dump(path):
    return subprocess.run([TEST_BIN / "kv_dump", path], check=True, capture_output=True, text=True).stdout


def flip(path, offset, bit=0x01):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)[0]
        f.seek(offset)
        f.write(bytes([byte ^ bit]))


def picture(path):
    """Names, sizes and times of all below a folder."""
    stats = [(p, p.lstat()) for p in sorted([path, *path.rglob("*")])]
    return [(p, s.st_mode, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino) for p, s in stats]


class Case(unittest.TestCase):
    maxDiff = None

    def good(self, *args, **kwargs):
        run = weft("ledger", *args, **kwargs)
        self.assertEqual(run.returncode, 0, run.stderr)
        return run.stdout

    def refused(self, status, words, *args, **kwargs):
        run = weft("ledger", *args, **kwargs)
        self.assertEqual(run.returncode, status, run.stderr)
        self.assertIn(words, run.stderr)
        self.assertTrue(run.stderr.startswith("Error: ") or "\nError: " in run.stderr, run.stderr)
        self.assertEqual(run.stdout, "")
        return run.stderr

    def assert_same_files(self, ours, theirs):
        names = sorted(p.name for p in theirs.glob("*.block"))
        self.assertEqual(sorted(p.name for p in ours.iterdir()), names)
        for name in names:
            self.assertEqual((ours / name).read_bytes(), (theirs / name).read_bytes(), name)


class TinyLedger(Case):
    """The vector of our own: a clone without fixtures proves it."""

    def test_blocks_become_the_recorded_files_and_indexes(self):
        for kind, chains in (("orderer", ""), ("peer", "chains/")):
            with self.subTest(kind), Folder() as dir:
                blocks = TINY / f"{kind}-blocks"
                out = self.good("import", dir / "node", "tiny", blocks, "--layout", kind)
                self.assertIn("6 blocks, ", out)
                self.assertIn("channel [tiny] has height 6 now", out)
                file = dir / "node" / chains / "chains/tiny/blockfile_000000"
                self.assertEqual(file.read_bytes(), (TINY / f"{kind}-blockfile").read_bytes())
                index = kv_dump(dir / "node" / chains / "index")
                self.assertEqual(index, (TINY / f"{kind}-index.txt").read_text())
                if kind == "peer":
                    self.assertEqual(kv_dump(dir / "node/ledgerProvider"), (TINY / "peer-inventory.txt").read_text())
                    self.assertEqual(kv_dump(dir / "node/pvtdataStore"), "74696e790001 -> 05\n")
                good = self.good("verify", dir / "node")
                self.assertIn("tiny: good: 6 blocks, 14 transactions, 5 orderer signatures", good)
                self.assertTrue(good.endswith(
                    "  blocks 1 to 3: configuration 0 (block 0): /Channel/Orderer/BlockValidation (ANY Writers) met by OrdererMSP in 3\n"
                    "  blocks 4 to 5: configuration 1 (block 3): /Channel/Orderer/BlockValidation (ANY Writers) met by OrdererMSP in 2\n"), good)
                self.good("export", dir / "node", "tiny", dir / "out")
                self.assert_same_files(dir / "out", blocks)

    def test_import_goes_on_where_it_ended(self):
        with Folder() as dir:
            (dir / "some").mkdir()
            for n in range(3):
                shutil.copy(TINY / f"peer-blocks/{n}.block", dir / "some")
            self.good("import", dir / "node", "tiny", dir / "some", "--layout", "peer")
            self.assertIn("3 blocks", self.good("import", dir / "node", "tiny", TINY / "peer-blocks"))
            self.assertEqual(kv_dump(dir / "node/chains/index"), (TINY / "peer-index.txt").read_text())
            self.assertEqual(kv_dump(dir / "node/pvtdataStore"), "74696e790001 -> 05\n")
            self.refused(1, "the next one would be", "import", dir / "node", "tiny", TINY / "peer-blocks")

    def test_import_refuses_what_is_not_the_next_block(self):
        with Folder() as dir:
            shutil.copytree(TINY / "orderer-blocks", dir / "in")
            shutil.copy(dir / "in/4.block", dir / "in/2.block")
            self.refused(1, "in/2.block: block number should have been 2 but was 4",
                         "import", dir / "node", "tiny", dir / "in", "--layout", "orderer")
            self.assertIn("height         2\n", self.good("show", dir / "node"))
            flip(dir / "in/3.block", 150)
            shutil.copy(TINY / "orderer-blocks/2.block", dir / "in/2.block")
            self.refused(1, "in/3.block: data hash is not the hash of the transactions", "import", dir / "node", "tiny", dir / "in")
            self.good("verify", dir / "node")

    def test_import_refuses_blocks_of_another_channel(self):
        with Folder() as dir:
            self.refused(1, "0.block: is a block of channel [tiny], not of [small]",
                         "import", dir / "node", "small", TINY / "orderer-blocks", "--layout", "orderer")
            self.refused(1, "channel [new] is new, its first block would be",
                         "import", dir / "node", "new", TINY, "--layout", "orderer")
            self.assertFalse((dir / "node").exists(), "nothing was made")

    def test_show_prints_what_was_recorded(self):
        with Folder() as dir:
            self.good("import", dir / "node", "tiny", TINY / "peer-blocks", "--layout", "peer")
            self.assertEqual(self.good("show", dir / "node", "--block", "5"), (TINY / "peer-show-5.txt").read_text())
            self.assertEqual(self.good("show", dir / "node", "--json"), (TINY / "peer-show.json").read_text())
            tx = re.search(r"MVCC_READ_CONFLICT .* ([0-9a-f]{64})\n", (TINY / "peer-show-5.txt").read_text())[1]
            found = self.good("show", dir / "node", "tiny", "--tx", tx)
            self.assertRegex(found, rf"^block 5\n[^>]*\n>     2  ENDORSER_TRANSACTION  MVCC_READ_CONFLICT .* {tx}\n")
            newest = self.good("show", dir / "node", "tiny", "--block", "newest")
            self.assertEqual(newest, self.good("show", dir / "node", "tiny", "--block", "5"))
            block = json.loads(self.good("show", dir / "node", "tiny", "--block=oldest", "--json"))
            self.assertEqual(block["header"]["number"], "0")

    def test_export_writes_only_the_blocks_asked_for(self):
        with Folder() as dir:
            self.good("import", dir / "node", "tiny", TINY / "orderer-blocks", "--layout", "orderer")
            for step in ("with an index", "without"):
                with self.subTest(step):
                    self.good("export", dir / "node", "tiny", dir / step, "--from", "2", "--to", "4")
                    self.assertEqual(sorted(p.name for p in (dir / step).iterdir()), ["2.block", "3.block", "4.block"])
                shutil.rmtree(dir / "node/index", ignore_errors=True)


class WhoSigned(Case):
    """Each block is judged by the configuration of its time, each configuration by the one before it."""

    def ledger(self, dir, fault, kind="orderer"):
        (dir / "in").mkdir()
        subprocess.run([TEST_BIN / "make_chain", kind, "ch", "9", dir / "in", *([fault] if fault else [])], check=True)
        self.good("import", dir / "node", "ch", dir / "in", "--layout", kind)
        return dir / "node"

    def test_a_chain_that_was_made_by_the_rules_is_good(self):
        for kind in ("orderer", "peer"):
            with self.subTest(kind), Folder() as dir:
                self.assertIn("ch: good: 6 blocks", self.good("verify", self.ledger(dir, "", kind)))

    def test_a_fault_is_refused_with_block_policy_and_reason(self):
        policy = r"/Channel/Orderer/BlockValidation \(ANY Writers\) of the configuration in block \[3\] is not met: implicit policy evaluation failed - 0 sub-policies"
        for fault, words in (
            ("stranger", rf"block \[4\] is signed by Org1MSP: {policy}"),
            ("forged", rf"block \[4\] is signed by nobody: {policy}.*; invalid identity: .*unknown authority"),
            ("unsigned", rf"block \[4\] is signed by nobody: {policy}"),
            ("unauthorised", r"block \[3\]: bad configuration: it is not what its update makes of the one before: "
                             r"error validating DeltaSet: policy for \[Value\]  /Channel/Orderer/BatchSize not satisfied"),
            ("unchanged", r"block \[3\]: bad configuration: .*: ConfigEnvelope LastUpdate did not produce the supplied config result"),
        ):
            for kind in ("orderer", "peer"):
                with self.subTest(fault=fault, kind=kind), Folder() as dir:
                    node = self.ledger(dir, fault, kind)
                    self.assertRegex(self.refused(1, "Error: channel [ch]: ", "verify", node), words)

    def test_a_flipped_bit_of_a_signature_is_refused(self):
        with Folder() as dir:
            file = self.ledger(dir, "") / "chains/ch/blockfile_000000"
            whole, block = file.read_bytes(), (dir / "in/4.block").read_bytes()
            pem_end = block.rindex(b"-----END CERTIFICATE-----\n") + 26
            signature = block[pem_end + 2 + 24 + 2:][:60]  # behind the nonce
            self.assertEqual(signature[0], 0x30, "a DER sequence")
            flip(file, whole.index(signature) + 40)
            words = self.refused(1, "Error: channel [ch]: ", "verify", dir / "node")
            self.assertRegex(words, r"block \[4\] is signed by nobody: .*; signature for identity 0 is invalid")


class Errors(Case):
    """Each says what is wrong and what there is; 2 is for the command line, 1 for the rest."""

    def setUp(self):
        folder = Folder()
        self.dir = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.node = self.dir / "node"
        self.good("import", self.node, "tiny", TINY / "peer-blocks", "--layout", "peer")

    def test_of_the_command_line(self):
        for words, args in (
            ("an argument is missing", ["show"]),
            ("an argument is missing", ["export", self.node, "tiny"]),
            ("one argument too many: c", ["verify", "a", "b", "c"]),
            ("unknown option --colour", ["show", self.node, "--colour"]),
            ("--block needs a value: --block N", ["show", self.node, "--block"]),
            ("--json is true or false, not yes", ["show", self.node, "--json=yes"]),
            ("--block takes a number, oldest, or newest, not -1", ["show", self.node, "--block", "-1"]),
            ("--block and --tx do not go together", ["show", self.node, "--block", "1", "--tx", "ab"]),
            ("--from takes a number, not x", ["export", self.node, "tiny", self.dir / "o", "--from", "x"]),
            ("--from 3 comes after --to 2", ["export", self.node, "tiny", self.dir / "o", "--from", "3", "--to", "2"]),
            ("--layout is orderer or peer, not raft", ["import", self.node, "tiny", TINY, "--layout", "raft"]),
            ("say which kind to make, --layout orderer or peer", ["import", self.dir / "n", "tiny", TINY / "peer-blocks"]),
            ("is not the ledger of an orderer", ["import", self.node, "tiny", TINY, "--layout", "orderer"]),
        ):
            with self.subTest(args=args):
                self.assertIn("\nUsage: weft ledger ", self.refused(2, words, *args))

    def test_of_what_is_not_there(self):
        for words, args in (
            ("there is no folder /no/such", ["show", "/no/such"]),
            ("is no ledger: give an orderer's folder", ["verify", self.dir]),
            (f"there is no channel [tyni] in {self.node}/chains/chains, but tiny", ["show", self.node, "tyni"]),
            ("there is no channel [tyni]", ["verify", self.node, "tyni"]),
            ("there is no channel [tyni]", ["export", self.node, "tyni", self.dir / "o"]),
            ("channel [tiny] has no block [6], the newest is [5]", ["show", self.node, "--block", "6"]),
            ("channel [tiny] has no block [6], the newest is [5]", ["export", self.node, "tiny", self.dir / "o", "--from", "6"]),
            ("channel [tiny] has no transaction [ab]", ["show", self.node, "--tx", "ab"]),
            ("there is no folder /no/such", ["import", self.node, "tiny", "/no/such"]),
        ):
            with self.subTest(args=args):
                self.assertNotIn("Usage", self.refused(1, words, *args))

    def test_of_two_channels_where_one_is_meant(self):
        writable_copy(self.node / "chains/chains/tiny", self.node / "chains/chains/zwei")
        self.refused(2, "which channel of", "show", self.node, "--block", "1")

    def test_of_a_ledger_that_a_node_has_open(self):
        with open(self.node / "fileLock/LOCK", "w", encoding="ascii") as a:
            with open(self.node / "chains/index/LOCK", "w", encoding="ascii") as b:
                fcntl.flock(a, fcntl.LOCK_EX)
                fcntl.flock(b, fcntl.LOCK_EX)
                self.refused(1, "lock is already acquired on file", "import", self.node, "tiny", TINY / "peer-blocks")
                self.assertIn("height         6", self.good("show", self.node))
                self.good("verify", self.node)
                self.good("export", self.node, "tiny", self.dir / "out")

    def test_of_each_channel_the_others_are_still_checked(self):
        other = self.node / "chains/chains/atiny"
        writable_copy(self.node / "chains/chains/tiny", other)
        run = weft("ledger", "verify", self.node)
        self.assertEqual(run.returncode, 1)
        self.assertIn("block [0] is of channel [tiny], the folder is [atiny]", run.stderr)
        self.assertIn("tiny: good: 6 blocks", run.stdout)


class Help(Case):
    def test_every_command_explains_itself(self):
        whole = weft("--help")
        self.assertEqual((whole.returncode, whole.stderr), (0, ""))
        for name in ("show", "verify", "export", "import"):
            self.assertIn(f"ledger {name}", whole.stdout)
            run = weft("ledger", name, "--help")
            self.assertEqual((run.returncode, run.stderr), (0, ""))
            self.assertIn(f"Usage:\n  weft ledger {name} ", run.stdout)
            self.assertIn("\nOptions:\n", run.stdout)
            for option in re.findall(r"\[(--[a-z]+)|\| (--[a-z]+)", run.stdout):
                self.assertRegex(run.stdout, rf"\n  {option[0] or option[1]} ")
            self.assertRegex(run.stdout, rf"\n  weft ledger {name} \S", "an example")
            self.assertLess(max(map(len, run.stdout.split("\n"))), 100)

    def test_a_group_lists_its_commands(self):
        run = weft("ledger")
        self.assertEqual(run.returncode, 2)
        self.assertIn("ledger verify", run.stderr)
        self.assertNotIn("Error", run.stderr)
        run = weft("ledger", "verfy")
        self.assertEqual(run.returncode, 2)
        self.assertIn("Error: weft has no command ledger verfy", run.stderr)


class RealLedgers(Case):
    """Ledgers that Fabric 2.2.15 wrote."""

    @classmethod
    def setUpClass(cls):
        cls.small = fixture("ledger-small")
        cls.orderer = cls.small / "orderer"
        cls.peer = cls.small / "peer0.org1.example.com"
        cls.info = json.loads((cls.small / "chaininfo.json").read_text())

    def index_dump(self, title):
        """A part of index-dump.txt without its comments."""
        part = re.search(rf"# {title}[^\n]*\n(.*?)(?=\n# |\Z)", (self.small / "index-dump.txt").read_text(), re.S)[1]
        return "".join(line.split("  #")[0] + "\n" for line in part.strip().split("\n"))

    def test_all_are_good(self):
        periods = ""
        for n, (config, first, last) in enumerate(((0, 1, 1), (1, 2, 2), (2, 3, 26), (26, 27, 43), (43, 44, 50),
                                                   (50, 51, 61), (61, 62, 64), (64, 65, 78)), 1):
            periods += (rf"  blocks {first} to {last}: configuration {n} \(block {config}\): "
                        rf"/Channel/Orderer/BlockValidation \(ANY Writers\) met by OrdererMSP in {last - first + 1}\n")
        self.assertRegex(self.good("verify", self.orderer),
                         r"^mychannel: good: 79 blocks, 255 transactions, 78 orderer signatures, 81 index entries; .*\n" + periods +
                         r"system-channel: good: 2 blocks, 2 transactions, 1 orderer signatures, 4 index entries; ")
        whole = r"^mychannel: good: 79 blocks, 255 transactions, 78 orderer signatures, 75 commit hashes, 670 index entries; .*\n" + periods
        for path in (self.peer, self.peer / "ledgersData"):
            self.assertRegex(self.good("verify", path), whole)
        alone = self.good("verify", self.peer / "ledgersData/chains/chains/mychannel")
        self.assertIn("75 commit hashes;", alone)

    def test_a_peers_is_what_its_blocks_come_to(self):
        rest = "274 of the history, 1 of collections by block; "
        replayed = "mychannel: replayed: 79 blocks, 255 transactions as recorded, 78 commit hashes, 285 keys of the state, " + rest
        self.assertIn(replayed, self.good("verify", self.peer, "--replay"))
        with Folder() as dir:
            node = writable_copy(self.peer, dir / "node")
            shutil.rmtree(node / "ledgersData/stateLeveldb")
            self.assertIn("as recorded, 78 commit hashes, " + rest, self.good("verify", node, "--replay"))

    def test_show_gives_the_json_of_configtxlator(self):
        paths = list((self.small / "json").glob("*.json"))
        self.assertGreater(len(paths), 20)
        for path in paths:
            ours = self.good("show", self.peer, "mychannel", "--block", path.stem, "--json")
            self.assertEqual(json.loads(ours), json.loads(path.read_text()), path.name)

    def test_show_gives_the_heights_and_hashes_of_getinfo(self):
        for path in (self.peer, self.orderer):
            channel = json.loads(self.good("show", path, "mychannel", "--json"))[0]
            self.assertEqual(channel["height"], self.info["height"])
            self.assertEqual(channel["current_hash"], self.info["current_hash"])
            self.assertEqual(channel["previous_hash"], self.info["previous_hash"])
            text = self.good("show", path, "mychannel")
            self.assertRegex(text, rf"(?s)height +79\n.*current hash +{self.info['current_hash']}\n")

    def test_show_gives_each_blocks_hashes_ids_and_codes(self):
        rows = [line.split("\t") for line in (self.small / "validation.tsv").read_text().split("\n")[1:] if line]
        for block in self.info["blocks"]:
            n = block["number"]
            text = self.good("show", self.peer, "mychannel", "--block", n)
            fields = dict(re.findall(r"^  ([a-z ]+?) {2,}(\S+)$", text, re.M))
            for name in ("hash", "previous_hash", "data_hash", "commit_hash"):
                self.assertEqual(fields.get(name.replace("_", " "), "-"), block.get(name) or "-", f"block {n} {name}")
            txs = re.findall(r"^ +(\d+)  (\S+) +(\S+) +\d+  (\S*)$", text, re.M)
            wanted = [row[1:] for row in rows if row[0] == str(n)]
            self.assertEqual(len(txs), len(wanted), f"block {n}")
            for ours, theirs in zip(txs, wanted):
                self.assertEqual((ours[0], ours[1], ours[2]), (theirs[0], theirs[2], theirs[4]), f"block {n}")
                self.assertTrue(theirs[1] in ("-", ours[3]), f"block {n} {ours}")

    def test_transactions_are_found_by_their_id(self):
        rows = [line.split("\t") for line in (self.small / "validation.tsv").read_text().split("\n")[1:] if line]
        first = {}
        for row in rows:
            first.setdefault(row[2], row)
        for txid, row in list(first.items())[1::20]:
            for path in (self.peer, self.orderer):
                text = self.good("show", path, "mychannel", "--tx", txid)
                self.assertTrue(text.startswith(f"block {row[0]}\n"), text)
                self.assertRegex(text, rf"\n> +{row[1]} .* {txid}\n")

    def test_export_gives_what_deliver_gave(self):
        with Folder() as dir:
            for path, channel, blocks in ((self.peer, "mychannel", "blocks"), (self.orderer, "mychannel", "blocks-orderer"),
                                          (self.orderer, "system-channel", "blocks-system")):
                self.good("export", path, channel, dir / blocks)
                self.assert_same_files(dir / blocks, self.small / blocks)

    def test_import_gives_an_orderers_files_byte_for_byte(self):
        with Folder() as dir:
            self.good("import", dir / "o", "mychannel", self.small / "blocks-orderer", "--layout", "orderer")
            self.good("import", dir / "o", "system-channel", self.small / "blocks-system")
            for channel in ("mychannel", "system-channel"):
                file = f"chains/{channel}/blockfile_000000"
                self.assertEqual((dir / "o" / file).read_bytes(), (self.orderer / file).read_bytes())
            self.assertEqual(kv_dump(dir / "o/index"), self.index_dump("orderer index"))

    def test_import_gives_a_peers_files_byte_for_byte(self):
        with Folder() as dir:
            self.good("import", dir / "p/ledgersData", "mychannel", self.small / "blocks", "--layout", "peer")
            file = "ledgersData/chains/chains/mychannel/blockfile_000000"
            self.assertEqual((dir / "p" / file).read_bytes(), (self.peer / file).read_bytes())
            self.assertEqual(kv_dump(dir / "p/ledgersData/chains/index"), self.index_dump("peer ledgersData/chains/index"))
            self.assertEqual(kv_dump(dir / "p/ledgersData/ledgerProvider"), self.index_dump("peer ledgersData/ledgerProvider"))
            self.good("verify", dir / "p")

    def test_a_ledger_that_is_being_written_can_be_shown_at_any_moment(self):
        """Each import of one more block opens the index, tidies it up, closes it."""
        with Folder() as dir:
            (dir / "in").mkdir()
            self.good("import", dir / "node", "system-channel", self.small / "blocks-system", "--layout", "orderer")
            looks, height = 0, 0
            for n in range(30):
                shutil.copy(self.small / f"blocks-orderer/{n}.block", dir / "in")
                with subprocess.Popen([BIN / "weft", "ledger", "import", dir / "node", "mychannel", dir / "in"],
                                      stdout=subprocess.DEVNULL) as writer:
                    while writer.poll() is None:
                        channels = {c["channel"]: c["height"] for c in json.loads(self.good("show", dir / "node", "--json"))}
                        self.assertEqual(channels["system-channel"], 2)
                        self.assertGreaterEqual(channels.get("mychannel", 0), height)
                        height = channels.get("mychannel", 0)
                        looks += 1
                self.assertEqual(writer.returncode, 0)
            self.assertGreater(looks, 10)

    def test_a_flipped_byte_in_any_region_is_refused_with_block_and_reason(self):
        """Block 30 of the orderer: 4 kB of regions, found through its own index."""
        with Folder() as dir:
            node = writable_copy(self.orderer, dir / "node")
            index = dict(line.split(" -> ") for line in kv_dump(node / "index").split("\n") if line)
            start, end = (self.offset_of(index, n) for n in (30, 31))
            file = node / "chains/mychannel/blockfile_000000"
            step = max(1, (end - start) // 40)
            for offset in [*range(start, start + 75), *range(start + 75, end, step), *range(end - 12, end)]:
                flip(file, offset)
                words = self.refused(1, "Error: channel [mychannel]: ", "verify", node, "mychannel")
                self.assertIn("block [30]", words, f"offset {offset - start}")
                flip(file, offset)
            self.good("verify", node)

    def offset_of(self, index, number):
        at = bytes.fromhex(index["mychannel".encode().hex() + "00" + "6e01" + f"{number:02x}"])[1:]
        return sum((byte & 0x7F) << (7 * i) for i, byte in enumerate(at[:-1]))

    def test_reading_needs_no_right_to_write_and_changes_nothing(self):
        with Folder() as dir:
            dir.chmod(0o755)
            node = writable_copy(self.peer, dir / "node")
            programs, out = dir / "programs", dir / "out"
            programs.mkdir()
            out.mkdir()
            out.chmod(0o777)
            shutil.copy(BIN / "weft", programs)
            subprocess.run(["chmod", "-R", "a=rX", node], check=True)
            who = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
            before = picture(node)
            for args in (["verify", node], ["verify", node, "--replay"], ["show", node], ["show", node, "--block", "7"], ["export", node, "mychannel", out / "b"]):
                run = subprocess.run([programs / "weft", "ledger", *args], capture_output=True, text=True,
                                     check=False, env={"TMPDIR": str(out)}, **who)
                self.assertEqual(run.returncode, 0, run.stderr)
            self.assertEqual(picture(node), before)
            self.assertEqual([p.name for p in out.iterdir()], ["b"], "nothing temporary stays")
            if who:  # it was really not allowed to
                run = subprocess.run(["touch", node / "ledgersData/x"], stderr=subprocess.DEVNULL, check=False, **who)
                self.assertNotEqual(run.returncode, 0)


class BulkChain(Case):
    """268 MB, without an index."""

    @classmethod
    def setUpClass(cls):
        packed = fixture("bulk/bulk.tar.zst")
        if shutil.which("zstd") is None:
            raise unittest.SkipTest("no zstd to unpack the bulk chain with")
        folder = Folder()
        cls.dir = folder.__enter__()
        cls.addClassCleanup(folder.__exit__)
        subprocess.run(["tar", "--use-compress-program=zstd -d --long=27", "-xf", packed, "-C", cls.dir], check=True)
        cls.chains = next(cls.dir.rglob("chains"))

    def test_it_is_good(self):
        out = self.good("verify", self.chains.parent)
        self.assertIn("bulk: good: 642 blocks, 63606 transactions, 641 orderer signatures; 267651806 bytes", out)
        self.assertIn("  blocks 3 to 641: configuration 3 (block 2): /Channel/Orderer/BlockValidation (ANY Writers) met by OrdererMSP in 639\n", out)

    @staticmethod
    def has_open(files, name):
        for file in files.iterdir():
            try:
                if name in os.readlink(file):
                    return True
            except OSError:  # closed meanwhile
                pass
        return False

    def run_on_terminal(self, *args, stop_for=0.0):
        """Its standard error as a terminal got it; stopped on the way."""
        master, slave = pty.openpty()
        with subprocess.Popen([BIN / "weft", "ledger", *map(str, args)], stdout=subprocess.DEVNULL, stderr=slave) as run:
            os.close(slave)
            if stop_for > 0:
                files = pathlib.Path(f"/proc/{run.pid}/fd")
                wait_until(lambda: run.poll() is not None or self.has_open(files, "blockfile_000001"))
                run.send_signal(signal.SIGSTOP)
                time.sleep(stop_for)  # the claim is about time
                run.send_signal(signal.SIGCONT)
            text = b""
            try:
                while chunk := os.read(master, 4096):
                    text += chunk
            except OSError:  # the other end is closed
                pass
        os.close(master)
        self.assertEqual(run.returncode, 0)
        return text.decode()

    def test_progress_is_shown_after_two_seconds_with_rate_and_time_left(self):
        for _ in range(5):  # it may have ended before it could be stopped
            text = self.run_on_terminal("verify", self.chains.parent, "bulk", stop_for=2.2)
            if "left" in text:
                break
        self.assertRegex(text, r"\rbulk: \d+ of 267 MB \(\d+%\), \d+ MB/s, \d+:\d\d left")
        self.assertTrue(re.search(r"\r +\r", text), "the line is wiped")

    def test_a_short_work_shows_no_progress(self):
        text = self.run_on_terminal("verify", self.chains.parent, "system-channel")
        self.assertNotIn("left", text)


if __name__ == "__main__":
    unittest.main()
