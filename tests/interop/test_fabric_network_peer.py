"""fabric-network, from npm, against our peer: system chaincodes are asked, block events,
filtered ones and those with private data are listened to."""

import json
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from fabric_network import Orderer, copy_ledger, org  # noqa: E402
from harness import Folder, fixture  # noqa: E402
from npm_modules import npm_modules  # noqa: E402
from peer_node import LAST, ORG1, PEER, Peer  # noqa: E402
from test_fabric_network import identity  # noqa: E402

# Of block 53 no filtered block can tell, and the library, which begins one block early, would ask
# for it again for ever.
OLD = (55, LAST)


def validated():
    """{block: {transaction's id: code}} as the real peer found them."""
    blocks = {}
    for line in fixture("ledger-small/validation.tsv").read_text().splitlines():
        words = line.split("\t")
        if words[0].isdigit():
            blocks.setdefault(int(words[0]), {}).setdefault(words[2], set()).add(words[-1])
    return blocks


def setUpModule():
    global modules
    modules = npm_modules("fabric-network")


class Listening(unittest.TestCase):
    def listen(self, peer, orderer):
        """The lines that the listener says, by their first word."""
        given = {
            "peer": "grpcs://" + peer.address.replace("127.0.0.1", "localhost"),
            "ca": str(fixture(PEER) / "tls/ca.crt"),
            "channel": "mychannel",
            "client": identity(f"{ORG1}/users/User1@org1.example.com/msp", "Org1MSP"),
            "old": OLD,
            "next": LAST + 1,
        }
        with subprocess.Popen(["node", modules / "peer_listener.js", json.dumps(given)],
                              env=os.environ | {"HFC_LOGGING": '{"error": "console"}'},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as client:
            said = {}
            for line in client.stdout:
                what, _, facts = line.rstrip("\n").partition(" ")
                said.setdefault(what, []).append(facts)
                if what == "listening":
                    self.assertEqual(orderer.submit(org(1).message("mychannel", b"new")), (200, ""))
            self.assertEqual(client.wait(60), 0, client.stderr.read())
        return said

    def test_a_gateway_listens_to_our_peer(self):
        with Folder() as folder:
            copy_ledger(folder)
            with Orderer(folder) as orderer, Peer(folder, orderer.address) as peer:
                peer.join()
                peer.wait_for_block(LAST)
                said = self.listen(peer, orderer)
                self.assertEqual(peer.stop(), 0)
        self.assertEqual(said["qscc"], ["9 10"])
        self.assertIn("Failed to get block number 9000, error Entry not found in index",
                      said["refused"][0])
        known = validated()
        for kind in ("full", "filtered", "private"):
            lines = [line.split() for line in said[kind]]
            self.assertEqual([int(words[0]) for words in lines], list(range(OLD[0], OLD[1] + 1)))
            told = [(int(words[0]), *tx.split(":")) for words in lines for tx in words[1:]]
            self.assertGreater(len(told), 50)
            for block, tx, code in told:
                self.assertIn(code, known[block].get(tx or "-", ()), (kind, block, tx))
        self.assertEqual(sorted(said["new"]),
                         [f"{kind} {LAST + 1}" for kind in ("filtered", "full", "private")])


if __name__ == "__main__":
    unittest.main()
