"""weft bench chain: its chains are chains, and each transaction is what it was intended
to be."""

import collections
import json
import threading
import unittest

from chain_check import Block, CONFIG, read_chain
from chain_judge import judge
from harness import Folder, weft, wait_until
from made_network import CHANNEL, MadeNetwork


def both(orgs):
    return len(orgs) == 2


class Chains(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.dir = folder.__enter__()
        self.addCleanup(folder.__exit__)

    def network(self, consensus="solo", **kwargs):
        self.net = MadeNetwork(self.dir, consensus, **kwargs)

    def expected(self):
        lines = (self.dir / "codes.tsv").read_text().splitlines()
        return [tuple(line.split("\t")) for line in lines]

    def judged(self, ledger, policy=both):
        """What is in the channel's files, judged, is what was promised; the codes' numbers."""
        codes = judge(read_chain(ledger / "chains" / CHANNEL), policy)
        self.assertEqual(codes, self.expected())
        return collections.Counter(code for _, code in codes)


class IntoALedger(Chains):
    def setUp(self):
        super().setUp()
        self.network("etcdraft")
        self.net.configtxgen("TwoOrgsApplicationGenesis", CHANNEL, "-outputBlock",
                             f"{CHANNEL}.block")

    def make(self, *args):
        done = self.net.bench_chain("--ledger", "ledger", "--expect", "codes.tsv", *args)
        return json.loads(done.stdout)

    def test_a_chain_is_good_and_its_codes_are_those_intended(self):
        got = self.make("--count", 1000, "--conflicts", 10, "--badPolicies", 7, "--overwrites",
                        30, "--size", 200, "--txsPerBlock", 40)
        verified = weft("ledger", "verify", self.dir / "ledger")
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertIn("met by OrdererMSP", verified.stdout)
        codes = self.judged(self.dir / "ledger")
        self.assertEqual(collections.Counter(got["intended"]), codes)
        self.assertEqual((got["transactions"], got["defining"]), (1000, 3))
        self.assertEqual((got["blocks"], got["height"]), (3 + 25, 4 + 25))
        for code, share in (("MVCC_READ_CONFLICT", 10), ("ENDORSEMENT_POLICY_FAILURE", 7)):
            self.assertAlmostEqual(codes[code] / 10, share, delta=3)
        self.orderer_goes_on(got)

    def orderer_goes_on(self, made):
        """An orderer starts on the ledger, and orders on."""
        args = {"ORDERER_GENERAL_BOOTSTRAPMETHOD": "none",
                "ORDERER_FILELEDGER_LOCATION": str(self.dir / "ledger")}
        with self.net.start_orderer(**args):
            done = self.net.bench_chain("--count", 20, "--seed", 2, "--defined", "--expect",
                                        "codes.tsv", *self.net.to_orderer())
            self.assertEqual(json.loads(done.stdout)["height"], made["height"] + 1)

    def test_a_ledger_that_is_there_gets_longer(self):
        first = self.make("--count", 50)
        before = self.expected()
        second = self.make("--count", 50, "--seed", 2, "--defined")
        self.assertEqual((second["height"], second["defining"]), (first["height"] + 1, 0))
        codes = judge(read_chain(self.dir / "ledger" / "chains" / CHANNEL), both)
        self.assertEqual(codes, before + self.expected())

    def test_a_seed_makes_the_same_chain_but_for_signatures(self):
        chains = []
        for name, seed in (("a", 5), ("b", 5), ("c", 6)):
            self.net.bench_chain("--ledger", name, "--count", 60, "--conflicts", 20,
                                 "--badPolicies", 20, "--seed", seed, "--expect", f"{name}.tsv")
            chains.append((self.dir / f"{name}.tsv").read_text())
        self.assertEqual(chains[0], chains[1])
        self.assertNotEqual(chains[0], chains[2])

    def test_a_policy_of_ones_own_needs_no_more_than_it_says(self):
        got = self.make("--count", 100, "--badPolicies", 20, "--policy", "OR('Org2MSP.peer')")
        self.assertEqual(got["endorsers"], 1)
        self.assertEqual(self.judged(self.dir / "ledger", lambda orgs: "Org2MSP" in orgs),
                         collections.Counter(got["intended"]))

    def test_a_channel_of_before_2_0_has_no_lifecycle(self):
        text = (self.dir / "configtx.yaml").read_text()
        old = "Application: &ApplicationCapabilities {V2_0: true}"
        self.assertIn(old, text)
        (self.dir / "configtx.yaml").write_text(text.replace(old, old.replace("V2_0", "V1_4_2")))
        self.net.configtxgen("TwoOrgsApplicationGenesis", CHANNEL, "-outputBlock",
                             f"{CHANNEL}.block")
        self.assertIn("its application needs capability V2_0", self.refused("--ledger", "ledger"))
        done = self.net.bench_chain("--ledger", "ledger", "--defined", "--count", 10)
        self.assertEqual(json.loads(done.stdout)["defining"], 0)

    def refused(self, *args):
        done = self.net.bench_chain(*args, ok=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_errors_say_what_to_do(self):
        self.assertIn("where to: --ledger DIR, or --orderer ADDRESS", self.refused())
        self.assertIn("the keys of 3 peers of 2 organisations do not satisfy the policy",
                      self.refused("--ledger", "l", "--policy", "OR('Org3MSP.peer')"))
        self.assertIn("--conflicts is a number from 0 to 100, not 101",
                      self.refused("--ledger", "l", "--conflicts", 101))
        self.assertIn("invalid chaincode name 'a b'", self.refused("--ledger", "l", "-n", "a b"))
        self.assertIn("give the folder that cryptogen made",
                      self.refused("--ledger", "l", "--crypto", "nowhere"))
        self.assertIn("the block is of channel [mychannel], not of [other]",
                      self.refused("--ledger", "l", "-c", "other"))
        done = weft("bench", "chain", "-c", CHANNEL, "--crypto", self.dir / "crypto", "--ledger",
                    self.dir / "new")
        self.assertIn("give its first block with --genesis", done.stderr)


class ThroughAnOrderer(Chains):
    def setUp(self):
        super().setUp()
        self.network("solo", changes=[("BatchTimeout: 2s", "BatchTimeout: 100ms"),
                                      ("MaxMessageCount: 500", "MaxMessageCount: 30")])
        self.orderer = self.net.start_orderer()
        self.addCleanup(lambda: self.orderer.stop(9))
        self.net.create_channel()

    def args(self, *args):
        return ("--expect", "codes.tsv", *args, *self.net.to_orderer())

    def test_codes_are_those_intended_wherever_blocks_are_cut(self):
        done = self.net.bench_chain(*self.args("--count", 500, "--conflicts", 15, "--badPolicies",
                                               5))
        got = json.loads(done.stdout)
        self.assertEqual(self.judged(self.dir / "orderer"),
                         collections.Counter(got["intended"]))
        self.assertEqual(got["sent_again"], 0)
        self.assertEqual(got["height"], got["blocks"] + 1)

    def test_a_member_asks_for_the_configuration(self):
        (self.dir / f"{CHANNEL}.block").unlink()
        done = self.net.run("weft", "bench", "chain", "-c", CHANNEL, "--crypto", "crypto",
                            *self.args("--count", 10), env=self.net.admin(2))
        self.assertEqual(json.loads(done.stdout)["defining"], 3)
        self.assertEqual(self.judged(self.dir / "orderer"), {"VALID": 13})

    def test_an_orderer_that_dies_gets_the_rest_when_it_is_back(self):
        """Acknowledged is ordered; what was not is sent again."""
        result = []
        maker = threading.Thread(target=lambda: result.append(self.net.bench_chain(
            *self.args("--count", 3000, "--size", 100))))
        maker.start()
        chain = self.dir / "orderer" / "chains" / CHANNEL
        wait_until(lambda: len(read_whole(chain)) > 10, what="ten blocks")
        self.orderer.stop(9)
        self.orderer = self.net.start_orderer()
        maker.join(60)
        got = json.loads(result[0].stdout)
        self.assertGreater(got["sent_again"], 0)
        seen = {}
        for tx_id, code in judge(read_chain(chain), both):
            seen.setdefault(tx_id, code)  # a second copy is a DUPLICATE_TXID
        self.assertEqual(seen, dict(self.expected()))

    def test_an_orderer_that_does_not_come_back_is_given_up(self):
        self.orderer.stop(9)
        done = self.net.bench_chain(*self.args("--count", 10), ok=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("failed to create new connection", done.stderr)


class AtAPeer(Chains):
    def test_a_peer_finds_what_was_intended(self):
        self.network("etcdraft")
        self.net.configtxgen("TwoOrgsApplicationGenesis", CHANNEL, "-outputBlock",
                             f"{CHANNEL}.block")
        made = json.loads(self.net.bench_chain(
            "--ledger", "ledger", "--count", 2000, "--size", 100, "--conflicts", 20,
            "--badPolicies", 20, "--overwrites", 20, "--txsPerBlock", 60, "--policy",
            "OR('Org2MSP.peer', AND('Org1MSP.peer', 'Org2MSP.admin'))", "--expect",
            "codes.tsv").stdout)
        with self.net.start_orderer(ORDERER_GENERAL_BOOTSTRAPMETHOD="none",
                                    ORDERER_FILELEDGER_LOCATION=str(self.dir / "ledger")), \
                self.net.start_peer(1) as peer:
            self.net.peer("channel", "join", "-b", f"{CHANNEL}.block")
            wait_until(lambda: self.net.chain_info(1)["height"] == made["height"], timeout=60,
                       what="the peer's height")
            self.assertEqual(peer.stop(15), 0, peer.log())
        self.net.run("weft", "ledger", "export", "peer1/ledgersData", CHANNEL, "blocks")
        found = []
        for number in range(made["height"]):
            block = Block((self.dir / f"blocks/{number}.block").read_bytes())
            found += [(tx_id, code) for kind, tx_id, code in block.transactions()
                      if kind != CONFIG]
        self.assertEqual(found, self.expected())


def read_whole(folder):
    """The blocks that are whole while more are being written."""
    try:
        return read_chain(folder)
    except (AssertionError, IndexError):
        return []


if __name__ == "__main__":
    unittest.main()
