"""fabric-network and fabric-common, from npm, against our orderer: a transaction is
committed, blocks come back through Deliver and are decoded."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
import chain_check  # noqa: E402
import fabric_network as net  # noqa: E402
from fabric_network import Orderer, channel_creation  # noqa: E402
from harness import Folder, fixture  # noqa: E402
from npm_modules import npm_modules  # noqa: E402
from wire import field  # noqa: E402

ORG1 = "crypto/peerOrganizations/org1.example.com"


def identity(folder, mspid):
    msp = fixture(folder)
    return {"mspid": mspid, "cert": str(next((msp / "signcerts").iterdir())),
            "key": str(next((msp / "keystore").iterdir()))}


def setUpModule():
    global modules
    modules = npm_modules("fabric-network")


class FabricNetwork(unittest.TestCase):
    def client(self, orderer):
        given = {
            "url": "grpcs://" + orderer.address.replace("127.0.0.1", "localhost"),
            "ca": str(fixture(net.ORDERER + "/tls/ca.crt")),
            "channel": "mychannel",
            "client": identity(f"{ORG1}/users/User1@org1.example.com/msp", "Org1MSP"),
            "endorser": identity(f"{ORG1}/peers/peer0.org1.example.com/msp", "Org1MSP"),
        }
        done = subprocess.run(["node", modules / "orderer_client.js", json.dumps(given)],
                              env=os.environ | {"HFC_LOGGING": '{"error": "console"}'},
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        lines = (line.partition(" ") for line in done.stdout.splitlines())
        return {what: facts for what, _, facts in lines}

    def test_a_gateway_commits_and_follows(self):
        for genesis in ("solo", "etcdraft"):
            with self.subTest(genesis), Folder() as folder, Orderer(folder, genesis) as orderer:
                self.assertEqual(orderer.submit(channel_creation(net.org(1))), (200, ""))
                said = self.client(orderer)
                self.assertEqual(orderer.stop(), 0)
                self.assertEqual(said["commit"], "SUCCESS")
                self.assertEqual(said["block"], "1 ENDORSER_TRANSACTION Org1MSP asset")
                self.assertEqual(said["spoilt"].split()[0], "FORBIDDEN")
                self.assertEqual(said["history"], "0:CONFIG 1:ENDORSER_TRANSACTION")
                chain = chain_check.read_chain(folder / "ledger/chains/mychannel")
                payload = field(chain[1][1][0], 1)
                self.assertEqual(hashlib.sha256(payload).hexdigest(), said["envelope"])


if __name__ == "__main__":
    unittest.main()
