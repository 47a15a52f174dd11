"""What a peer serves to others: its command line, and blocks as events, whole, filtered and
with private data, as a real peer sent them and as new ones come."""

import hashlib
import queue
import re
import unittest

import grpc

import wire
from fabric_network import Identity, Orderer, copy_ledger, org
from harness import ROOT, Folder, fixture
from peer_node import LAST, ORG1, PEER, Peer
from wire import field

VECTORS = ROOT / "tests/vectors/endorser"
OK, FORBIDDEN = 200, 403


def sums(name):
    """What a real peer sent for each block: length and the beginning of the hash."""
    return [line.split("\t")[1] for line in (VECTORS / name).read_text().splitlines()]


def sum_of(message):
    return f"{len(message)}:{hashlib.sha256(message).hexdigest()[:16]}"


class Events:
    """A stream of one of the peer's three methods."""

    def __init__(self, connection, method):
        self.requests = queue.Queue()
        call = connection.stream_stream(f"/protos.Deliver/{method}")
        self.answers = call(iter(self.requests.get, None), timeout=60)

    def ask(self, who, start, stop):
        self.requests.put(who.seek("mychannel", wire.seek(start, stop)))

    def read(self):
        return next(self.answers)


def connect(peer):
    ca = (fixture(PEER) / "tls/ca.crt").read_bytes()
    return grpc.secure_channel(peer.address, grpc.ssl_channel_credentials(ca),
                               [("grpc.max_receive_message_length", -1)])


class PeerServices(unittest.TestCase):
    def test_join_waits_until_the_orderers_height_is_reached(self):
        with Folder() as folder:
            copy_ledger(folder)
            with Orderer(folder) as orderer, Peer(folder, orderer.address) as peer:
                ca = fixture("crypto/ordererOrganizations/example.com/orderers/"
                             "orderer.example.com/tls/ca.crt")
                done = peer.cli("channel", "join", "-b", fixture("genesis/mychannel.block"),
                                "--wait", "-o", orderer.address, "--tls", "--cafile", ca,
                                "--ordererTLSHostnameOverride", "orderer.example.com")
                self.assertIn("Successfully submitted proposal to join channel", done.stderr)
                self.assertEqual(done.stdout, "")
                said = done.stderr.splitlines()[-1]
                self.assertRegex(said, rf"^mychannel: height {LAST + 1} after \d+\.\d s$")

    def test_the_command_line_asks_the_peer(self):
        with Folder() as folder:
            copy_ledger(folder)
            with Orderer(folder) as orderer, Peer(folder, orderer.address) as peer:
                peer.join()
                peer.wait_for_block(LAST)
                for what, n in (("newest", LAST), ("oldest", 0), ("config", 64), ("17", 17)):
                    with self.subTest(what):
                        out = folder / "fetched"
                        done = peer.cli("channel", "fetch", what, out, "-c", "mychannel")
                        self.assertIn(f"Received block: {n}", done.stderr)
                        self.assertEqual(out.read_bytes(),
                                         fixture(f"ledger-small/blocks/{n}.block").read_bytes())
                # Block 50 gave GetChainInfo to the admins of most organisations.
                done = peer.cli("channel", "getinfo", "-c", "mychannel", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("Error: received bad response, status 500: access denied for "
                              "[GetChainInfo][mychannel]: [failed evaluating policy on signed data "
                              "during check policy [/Channel/Application/Admins]: ", done.stderr)
                done = peer.cli("channel", "fetch", "newest", "-c", "nochannel", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("Error: can't read the block: &{NOT_FOUND}", done.stderr)
                done = peer.cli("channel", "join", "-b", fixture("genesis/mychannel.block"),
                                user="User1", check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn("access denied for [JoinChain][mychannel]: [Failed verifying that "
                              "proposal's creator satisfies local MSP principal during channelless "
                              "check policy with policy [Admins]", done.stderr)

    def test_events_are_as_a_real_peers_and_go_on_with_new_blocks(self):
        with Folder() as folder:
            copy_ledger(folder)
            with Orderer(folder) as orderer, Peer(folder, orderer.address) as peer:
                peer.join()
                peer.wait_for_block(LAST)
                user = Identity(f"{ORG1}/users/User1@org1.example.com/msp", "Org1MSP")
                with connect(peer) as connection:
                    whole = Events(connection, "Deliver")
                    filtered = Events(connection, "DeliverFiltered")
                    private = Events(connection, "DeliverWithPrivateData")
                    for stream in (whole, filtered, private):
                        stream.ask(user, wire.at(0), wire.at(LAST + 1))
                    for n, (want, blank) in enumerate(zip(sums("filtered.tsv"),
                                                          sums("private_org1.tsv"))):
                        block = field(whole.read(), 2)
                        stored = fixture(f"ledger-small/blocks/{n}.block").read_bytes()
                        self.assertEqual(block, stored)
                        self.assertEqual(sum_of(filtered.read()), want)
                        # The real peer had private data, which no orderer brings.
                        got = private.read()
                        self.assertEqual(field(field(got, 4), 1), stored)
                        self.assertTrue(sum_of(got) == blank or len(got) < int(blank.split(":")[0]))
                    sent = orderer.submit(org(1).message("mychannel", b"one more"))
                    self.assertEqual(sent[0], OK)
                    number = field(field(field(whole.read(), 2), 1), 1)
                    self.assertEqual(number, LAST + 1)
                    self.assertEqual(field(field(filtered.read(), 3), 2), LAST + 1)
                    self.assertEqual(field(field(field(field(private.read(), 4), 1), 1), 1),
                                     LAST + 1)
                    for stream in (whole, filtered, private):
                        self.assertEqual(field(stream.read(), 1), OK)
                    stranger = Identity("crypto/ordererOrganizations/example.com/users/"
                                        "Admin@example.com/msp", "OrdererMSP")
                    refused = Events(connection, "DeliverFiltered")
                    refused.ask(stranger, wire.OLDEST, wire.NEWEST)
                    self.assertEqual(field(refused.read(), 1), FORBIDDEN)
                metrics = peer.get("/metrics")[1]
                for kind, is_filtered in (("block", "false"), ("filtered_block", "true"),
                                          ("block_and_pvtdata", "false")):
                    sent = re.search(r'^deliver_blocks_sent{channel="mychannel",data_type="%s",'
                                     r'filtered="%s"} (\d+)$' % (kind, is_filtered), metrics, re.M)
                    self.assertEqual(int(sent.group(1)), LAST + 2)


if __name__ == "__main__":
    unittest.main()
