"""A chaincode is approved and defined through our peers, as clients do it: what an
organisation approves of is private, and waits in its peer until its transaction's block comes."""

import subprocess
import unittest
import urllib.error
import urllib.request

import grpc

import lifecycle
from fabric_network import Broadcast, Identity
from harness import Folder, TEST_BIN, wait_until
from lifecycle import Proposal, approvals, definition
from made_network import CHANNEL, MadeNetwork, ORGS
from wire import data, field

PACKAGE = "basic_1.0:" + "ab" * 32


class Lifecycle(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.net = MadeNetwork(folder.__enter__())
        self.addCleanup(folder.__exit__)
        orderer = self.net.start_orderer()
        self.addCleanup(orderer.stop, 9)
        self.net.create_channel()
        self.peers = {}
        self.admins = {n: Identity(self.net.org(n) / f"users/Admin@org{n}.example.com/msp",
                                   f"Org{n}MSP") for n in ORGS}

    def start(self, n, **env):
        self.peers[n] = self.net.start_peer(n, **env)
        self.addCleanup(self.peers[n].stop, 9)

    def start_and_join(self, n, **env):
        self.start(n, **env)
        self.net.peer("channel", "join", "-b", f"{CHANNEL}.block", org=n)

    def ask(self, n, proposal):
        ca = (self.net.peer_node(n) / "tls/ca.crt").read_bytes()
        return lifecycle.ask(f"127.0.0.1:{self.net.peer_ports[n][0]}", ca, proposal)

    def call(self, n, function, args):
        """_lifecycle of organisation n's peer, as its admin: the proposal, the answer."""
        proposal = Proposal(self.admins[n], CHANNEL, "_lifecycle", function, args)
        return proposal, self.ask(n, proposal)

    def submit(self, proposal, *answers):
        self.broadcast(proposal.transaction(answers))

    def broadcast(self, envelope):
        ca = (self.net.orderer_node() / "tls/ca.crt").read_bytes()
        address = f"127.0.0.1:{self.net.orderer_port}"
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(ca)) as connection:
            stream = Broadcast(connection)
            stream.send(envelope)
            self.assertEqual(stream.read(), (200, ""))

    def wait_for(self, height):
        for n in self.peers:
            wait_until(lambda n=n: self.net.chain_info(n)["height"] == height, what="the height")

    def approve(self, n, height, package=PACKAGE, **how):
        proposal, answer = self.call(n, "ApproveChaincodeDefinitionForMyOrg",
                                     definition("basic", package=package, **how))
        self.assertEqual((answer.status, answer.message), (200, ""))
        self.submit(proposal, answer)
        self.wait_for(height)
        self.peers[n].wait_for(
            r"Successfully fetched all 1 eligible collection private write sets for block "
            rf"\[{height - 1}\] \(0 from local cache, 1 from transient store, 0 from other peers\) "
            rf"channel={CHANNEL}")

    def commit(self, **how):
        proposal = Proposal(self.admins[1], CHANNEL, "_lifecycle", "CommitChaincodeDefinition",
                            definition("basic", **how))
        self.submit(proposal, self.ask(1, proposal), self.ask(2, proposal))
        self.wait_for(4)

    def readiness(self, n):
        _, answer = self.call(n, "CheckCommitReadiness", definition("basic"))
        self.assertEqual(answer.status, 200)
        return approvals(answer.result)

    def health(self, n):
        """(status, body)"""
        try:
            url = f"http://127.0.0.1:{self.net.peer_ports[n][2]}/healthz"
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def dump(self, n, store):
        """A stopped peer's database, as key -> value in hex."""
        folder = self.net.folder / f"peer{n}" / store
        done = subprocess.run([TEST_BIN / "kv_dump", folder], capture_output=True, text=True,
                              check=True, timeout=60)
        lines = [line.split(" -> ") for line in done.stdout.splitlines()]
        return {bytes.fromhex(key): bytes.fromhex(value) for key, value in lines}

    def test_a_definition_from_its_first_approval_to_its_commit(self):
        for n in ORGS:
            self.start_and_join(n)
        self.assertEqual(self.readiness(1), {"Org1MSP": False, "Org2MSP": False})
        self.approve(1, height=2)
        self.assertEqual(self.readiness(1), {"Org1MSP": True, "Org2MSP": False})
        self.assertEqual(self.readiness(2), {"Org1MSP": True, "Org2MSP": False})
        self.approve(2, height=3, package=None)
        self.assertEqual(self.readiness(1), {"Org1MSP": True, "Org2MSP": True})

        _, answer = self.call(1, "QueryApprovedChaincodeDefinition", data(1, "basic"))
        self.assertEqual(field(answer.result, 2), b"1.0")
        self.assertEqual(field(answer.result, 8), data(2, data(1, PACKAGE)))
        _, answer = self.call(2, "QueryChaincodeDefinition", data(1, "basic"))
        self.assertEqual(answer.status, 404)

        self.commit()
        for n in ORGS:
            _, answer = self.call(n, "QueryChaincodeDefinition", data(1, "basic"))
            self.assertEqual(approvals(answer.result, 8), {"Org1MSP": True, "Org2MSP": True})

        for n in ORGS:
            self.assertEqual(self.peers[n].stop(15), 0)
            self.assertEqual(self.dump(n, "transientstore"), {})
            ours = f"_lifecycle\0_implicit_org_Org{n}MSP".encode()
            # Written with block n, in its first transaction: 02 order(n) order(0).
            key = CHANNEL.encode() + b"\0\2\1" + bytes([n]) + b"\0" + ours
            self.assertIn(key, self.dump(n, "ledgersData/pvtdataStore"))

    def test_what_was_endorsed_waits_over_a_crash_for_its_block(self):
        self.start_and_join(1)
        proposal, answer = self.call(1, "ApproveChaincodeDefinitionForMyOrg", definition("basic"))
        self.assertEqual(answer.status, 200)
        self.peers[1].stop(9)
        self.start(1)
        self.submit(proposal, answer)
        self.peers[1].wait_for(r"for block \[1\] .* 1 from transient store")
        self.wait_for(2)
        self.assertEqual(self.readiness(1), {"Org1MSP": True, "Org2MSP": False})

    def test_who_must_hand_it_on_and_knows_nobody_endorses_nothing(self):
        policy = "CORE_PEER_GOSSIP_PVTDATA_IMPLICITCOLLECTIONDISSEMINATIONPOLICY"
        self.start_and_join(1, **{f"{policy}_REQUIREDPEERCOUNT": "1"})
        proposal, answer = self.call(1, "ApproveChaincodeDefinitionForMyOrg", definition("basic"))
        self.assertEqual(answer.status, 500)
        self.assertEqual(answer.message,
                         "error in simulation: failed to distribute private collection, txID "
                         f"{proposal.tx_id}, channel {CHANNEL}: could not build private data "
                         "dissemination plan for chaincode _lifecycle and collection "
                         "_implicit_org_Org1MSP: required to disseminate to at least 1 peers, but "
                         "know of only 0 eligible peers")
        self.assertIsNone(answer.endorsement)

    def test_a_validation_plugin_that_is_nowhere_stops_the_channel_and_nothing_else(self):
        for n in ORGS:
            self.start_and_join(n)
            self.approve(n, height=n + 1, validation="mine")
        self.commit(validation="mine")
        writer = Identity(self.net.peer_node(1) / "msp", "Org1MSP")
        call = Proposal(self.admins[1], CHANNEL, "basic", "put")
        self.broadcast(call.endorsed_by(writer, "1.0", {"key": b"value"}))
        for peer in self.peers.values():
            peer.wait_for("Failed executing VSCC due to .*plugin with name mine couldn't be used: "
                          "plugin with name mine wasn't found. Aborting chain processing "
                          f"channel={CHANNEL}$")
        # It lives on, at its height, and says what is wrong; a start does not mend it.
        for _ in range(2):
            wait_until(lambda: self.health(1)[0] == 503, what="503")
            self.assertIn(f"channel {CHANNEL} commits nothing more at height 4: ", self.health(1)[1])
            self.assertEqual(self.net.chain_info(1)["height"], 4)
            _, answer = self.call(1, "QueryChaincodeDefinition", data(1, "basic"))
            self.assertEqual(answer.status, 200)
            self.assertEqual(self.peers[1].stop(15), 0)
            self.start(1)


if __name__ == "__main__":
    unittest.main()
