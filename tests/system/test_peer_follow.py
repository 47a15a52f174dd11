"""A peer pulls a channel's blocks: from an orderer on a real network's ledger, and from one
that misbehaves in every way it can; each time it says so in Fabric's words and goes on."""

import hashlib
import os
import pathlib
import random
import re
import signal
import ssl
import time
import unittest

import grpc

import wire
from chain_check import der
from fabric_network import Identity, ORDERER, Orderer, copy_ledger
from harness import Folder, ROOT, fixture, wait_until, weft
from peer_node import (FakeOrderer, LAST, PEER, Peer, Script, block_message, blocks_from, recorded,
                       status_message)
from wire import data, field, number

SILENT_S = float(os.environ.get("WEFT_SILENT_S", "1"))  # 70 has been tried, of the original, too


def replaced(message, wanted, value):
    """The message with another value for a field of bytes, or of a number."""
    out = b""
    for name, old in wire.fields(message):
        new = value if name == wanted else old
        out += number(name, new) if isinstance(new, int) else data(name, new)
    return out


def orderer_block(n):
    return fixture(f"ledger-small/blocks-orderer/{n}.block").read_bytes()


def with_header(block, wanted, value):
    return replaced(block, 1, replaced(field(block, 1), wanted, value))


def der_of(header):
    return der(field(header, 1, 0), field(header, 2, b""), field(header, 3, b""))


def signed_again(block):
    """As the orderer would have signed it: whatever was changed in the header."""
    who = Identity(f"{ORDERER}/msp", "OrdererMSP")
    slots = [value for _, value in wire.fields(field(block, 3))]
    value = field(slots[0], 1, b"")
    header = who.signature_header()
    signature = who.sign(value + header + der_of(field(block, 1)))
    slots[0] = data(1, value) + data(2, data(1, header) + data(2, signature))
    return replaced(block, 3, b"".join(data(1, s) for s in slots))


def mutual_tls():
    return {"CORE_PEER_TLS_CLIENTAUTHREQUIRED": "true",
            "CORE_PEER_TLS_CLIENTROOTCAS_FILES": str(fixture(PEER) / "tls/ca.crt")}


class Following(unittest.TestCase):
    def test_joins_and_follows_a_real_networks_orderer_to_the_end(self):
        with Folder() as folder:
            copy_ledger(folder)
            with Orderer(folder) as orderer, Peer(folder, orderer.address) as peer:
                peer.join()
                for block in recorded()[-3:]:
                    self.assertEqual(peer.wait_for_block(block["number"]), block["commit_hash"])
                self.assertEqual(peer.cli("channel", "list").stdout,
                                 "Channels peers has joined: \nmychannel\n")
                again = peer.cli("channel", "join", "-b", fixture("genesis/mychannel.block"),
                                 check=False)
                self.assertIn("bad proposal response 500: cannot create ledger from genesis "
                              "block: LedgerID already exists", again.stderr)
                wait_until(lambda: peer.metric("ledger_blockchain_height") == LAST + 1)
                self.assertEqual(peer.metric("gossip_state_height"), LAST + 1)
                self.assertEqual(peer.metric("gossip_payload_buffer_size"), 0)
                for part in ("block_processing", "blockstorage_and_pvtdata_commit",
                             "blockstorage_commit", "statedb_commit"):
                    self.assertEqual(peer.metric(f"ledger_{part}_time_count"), LAST + 1, part)
                counted = re.findall(r"^ledger_transaction_count{.*} (\d+)$",
                                     peer.get("/metrics")[1], re.M)
                codes = fixture("ledger-small/validation.tsv").read_text().splitlines()
                self.assertEqual(sum(map(int, counted)), len(codes) - 1)  # a heading
                self.assertEqual(peer.get("/healthz")[0], 200)
                self.assertEqual(peer.stop(), 0)
                self.assertIn("Received signal: 15 (terminated)", peer.process.log())
            done = weft("ledger", "verify", peer.ledger())
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"good: {LAST + 1} blocks", done.stdout)

    def test_goes_on_where_it_was_after_a_restart(self):
        with Folder() as folder, FakeOrderer() as orderer:
            orderer.scripts = [Script(*blocks_from(1, 40), hang=True)]
            peer = Peer(folder, orderer.address)
            with peer:
                peer.join()
                peer.wait_for_block(40)
                wait_until(lambda: peer.metric("ledger_blockchain_height") == 41)
                self.assertEqual(peer.stop(), 0)
            with peer:
                self.assertIn("Loading chain mychannel", peer.process.log())
                self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])
            asked = [orderer.requests.get(timeout=5)[1] for _ in range(2)]
            self.assertEqual(asked, [1, 41])

    def test_killed_at_any_moment_it_has_no_gap_and_no_block_twice(self):
        kills = int(os.environ.get("WEFT_KILLS", "4"))
        chance = random.Random(7)
        with Folder() as folder, FakeOrderer() as orderer:
            peer = Peer(folder, orderer.address)
            with peer:
                peer.join()
                peer.kill()
            for round_ in range(kills):
                orderer.scripts = [lambda start: Script(
                    *blocks_from(start, min(LAST, start + chance.randrange(1, 30))), hang=True)]
                with peer:
                    time.sleep(chance.random() / 4)
                    if round_ % 4 == 3: # at any moment it can be told to stop, too
                        self.assertEqual(peer.stop(), 0)
                    else:
                        peer.kill()
            orderer.scripts = []
            with peer:
                wait_until(lambda: peer.metric("ledger_blockchain_height") == LAST + 1)
                self.assertEqual(peer.stop(), 0)
            done = weft("ledger", "verify", peer.ledger())
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertIn(f"good: {LAST + 1} blocks", done.stdout)
            shown = weft("ledger", "show", peer.ledger(), "mychannel", "--block", LAST, "--json")
            self.assertIn(recorded()[LAST]["hash"], shown.stdout + weft(
                "ledger", "show", peer.ledger(), "mychannel").stdout)


class Disk(unittest.TestCase):
    def test_a_disk_that_takes_no_more_ends_the_process(self):
        with Folder() as folder, FakeOrderer() as orderer:
            peer = Peer(folder, orderer.address)
            peer.start(before="trap '' XFSZ; ulimit -f 300;").ready()
            peer.join()
            peer.process.wait_for("Cannot commit block to the ledger due to commit failed: ")
            self.assertEqual(peer.process.popen.wait(20), 2)
            peer.kill()
            with peer:
                self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])
                self.assertEqual(peer.stop(), 0)
            done = weft("ledger", "verify", peer.ledger())
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Faults(unittest.TestCase):
    """One stream goes wrong, the next one is good."""

    def follow(self, script, *words):
        """The peer says these words, and gets to the end all the same."""
        with Folder() as folder, FakeOrderer() as orderer, Peer(folder, orderer.address) as peer:
            orderer.scripts = [script]
            peer.join()
            for text in words:
                peer.process.wait_for(text)
            self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])
            return peer.process.log()

    refused = r"Got error while attempting to receive blocks: "
    again = r"Disconnected from ordering service. Attempt to re-connect in 100ms channel=mychannel"

    def test_an_orderer_that_is_not_there(self):
        with Folder() as folder:
            orderer = FakeOrderer()
            with Peer(folder, orderer.address) as peer:
                peer.join()
                peer.process.wait_for(r"Could not connect to ordering service: could not dial "
                                      rf"endpoint '{orderer.address}': failed to create new "
                                      r"connection: .*refused channel=mychannel")
                peer.process.wait_for(self.again)
                peer.process.wait_for(r"Attempt to re-connect in 120ms")
                peer.process.wait_for(r"Attempt to re-connect in 144ms")
                with orderer:
                    self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])

    def test_one_that_dies_in_the_middle(self):
        self.follow(Script(*blocks_from(1, 10), code=grpc.StatusCode.UNAVAILABLE),
                    r"Encountered an error reading from deliver stream: rpc error: "
                    r"code = Unavailable desc = as told channel=mychannel orderer-address=127",
                    "Orderer hung up without sending status", self.again)

    def test_one_that_ends_without_a_word(self):
        self.follow(Script(*blocks_from(1, 10)),
                    "Encountered an error reading from deliver stream: EOF",
                    "Orderer hung up without sending status", self.again)

    def test_one_that_closes_its_socket(self):
        with Folder() as folder:
            orderer = FakeOrderer()
            orderer.scripts = [Script(*blocks_from(1, 30), hang=True)]
            with Peer(folder, orderer.address) as peer:
                with orderer:
                    peer.join()
                    peer.wait_for_block(30)
                peer.process.wait_for("Orderer hung up without sending status")
                peer.process.wait_for("Could not connect to ordering service")
                with orderer:
                    self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])

    def test_a_block_whose_transactions_are_not_those_of_its_header(self):
        block = orderer_block(5)
        txs = bytearray(field(block, 2))
        txs[-1] ^= 1
        self.follow(Script(*blocks_from(1, 4), block_message(replaced(block, 2, bytes(txs))),
                           hang=True),
                    self.refused + r"block from orderer could not be verified: Header.DataHash is "
                    r"different from Hash\(block.Data\) for block with id \[5\] on channel "
                    r"\[mychannel\]", self.again)

    def test_a_block_that_nobody_signed(self):
        block = with_header(orderer_block(5), 2, bytes(32))
        self.follow(Script(*blocks_from(1, 4), block_message(block), hang=True),
                    self.refused + r"block from orderer could not be verified: implicit policy "
                    r"evaluation failed - 0 sub-policies were satisfied, but this policy requires "
                    r"1 of the 'Writers' sub-policies to be satisfied", self.again)

    def test_a_block_with_another_number(self):
        self.follow(Script(*blocks_from(1, 4), block_message(with_header(orderer_block(5), 1, 6)),
                           hang=True),
                    self.refused + "block from orderer could not be verified: implicit policy",
                    self.again)

    def test_blocks_that_are_left_out(self):
        self.follow(Script(*blocks_from(1, 4), *blocks_from(7, 20), hang=True),
                    self.refused + r"block \[7\] came where block \[5\] was to come", self.again)

    def test_a_block_of_another_channel(self):
        other = fixture("ledger-small/blocks-system/1.block").read_bytes()
        self.follow(Script(block_message(other), hang=True),
                    self.refused + r"block from orderer could not be verified: Invalid block's "
                    r"channel id. Expected \[mychannel\]. Given \[system-channel\]", self.again)

    def test_a_block_of_another_chain_that_an_orderer_has_signed(self):
        forked = signed_again(with_header(orderer_block(5), 2, bytes(32)))
        log = self.follow(Script(*blocks_from(1, 4), block_message(forked), hang=True),
                          r"Block \[5\] is not of this chain: unexpected Previous block hash. "
                          r"Expected PreviousHash = \[[0-9a-f]{64}\], PreviousHash referred in the "
                          r"latest block= \[0{64}\]", self.again)
        self.assertIn("Received block [5] from buffer", log)

    def test_statuses(self):
        for status, words in ((200, "received success for a seek that should never complete"),
                              (403, "received bad status FORBIDDEN from orderer"),
                              (404, "received bad status NOT_FOUND from orderer"),
                              (503, "received bad status SERVICE_UNAVAILABLE from orderer")):
            with self.subTest(status):
                self.follow(Script(*blocks_from(1, 2), status_message(status), hang=True),
                            self.refused + words, self.again)

    def test_garbage(self):
        for message, words in ((b"\xff\xff\xff", "Orderer hung up without sending status"),
                               (block_message(b"\xff\xff"), "Orderer hung up without sending"),
                               (b"", self.refused + "unknown message type '<nil>'"),
                               (data(9, b"new"), self.refused + "unknown message type '<nil>'"),
                               (block_message(b""), self.refused + "block from orderer could not "
                                r"be verified: Invalid Block on channel \[mychannel\]. Header "
                                "must be different from nil")):
            with self.subTest(message):
                self.follow(Script(*blocks_from(1, 2), message, hang=True), words, self.again)

    def test_one_that_says_nothing_is_waited_for(self):
        with Folder() as folder, FakeOrderer() as orderer, Peer(folder, orderer.address) as peer:
            orderer.scripts = [Script(hang=True)]
            peer.join()
            peer.process.wait_for("Pulling next blocks from ordering service .*nextBlock=1")
            time.sleep(SILENT_S)  # over the first keepalive ping, if it is more than a minute
            self.assertEqual(orderer.requests.qsize(), 1)
            self.assertNotIn("Disconnected", peer.process.log())
            self.assertEqual(peer.get("/healthz")[0], 200)
            orderer.stop()
            orderer.start()
            self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])


    def test_one_that_is_frozen_is_noticed_by_keepalive(self):
        env = {"CORE_PEER_KEEPALIVE_DELIVERYCLIENT_INTERVAL": "300ms",
               "CORE_PEER_KEEPALIVE_DELIVERYCLIENT_TIMEOUT": "300ms"}
        with Folder() as folder:
            copy_ledger(folder)
            with Orderer(folder) as orderer, Peer(folder, orderer.address, env=env) as peer:
                peer.join()
                peer.wait_for_block(LAST)
                orderer.process.popen.send_signal(signal.SIGSTOP)
                peer.process.wait_for("Encountered an error reading from deliver stream")
                peer.process.wait_for(self.again)
                orderer.process.popen.send_signal(signal.SIGCONT)
                peer.process.wait_for(f"Pulling next blocks from .*nextBlock={LAST + 1}$")


class Request(unittest.TestCase):
    def test_asks_for_everything_from_its_height_on_signed_by_itself(self):
        with Folder() as folder, FakeOrderer() as orderer:
            with Peer(folder, orderer.address) as peer:
                peer.join()
                envelope, _ = orderer.requests.get(timeout=20)
        payload = field(envelope, 1)
        header = field(field(payload, 1), 1)
        self.assertEqual(field(header, 1), 5)
        self.assertEqual(field(header, 4), b"mychannel")
        self.assertEqual(field(field(header, 3), 2, 0), 0)  # whole seconds
        self.assertIsNone(field(header, 8))
        info = field(payload, 2)
        self.assertEqual(info, data(1, data(3, number(1, 1))) +
                         data(2, data(3, number(1, wire.ALL))))
        creator = field(field(field(payload, 1), 2), 1)
        self.assertEqual(creator, Identity(f"{PEER}/msp", "Org1MSP").creator)

    def test_with_mutual_tls_it_is_bound_to_our_certificate(self):
        with Folder() as folder, FakeOrderer() as orderer:
            with Peer(folder, orderer.address, env=mutual_tls()) as peer:
                peer.join(certificate=True)
                envelope, _ = orderer.requests.get(timeout=20)
        header = field(field(field(envelope, 1), 1), 1)
        pem = (fixture(PEER) / "tls/server.crt").read_text()
        expected = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
        self.assertEqual(field(header, 8), expected)


class Clients(unittest.TestCase):
    def answers(self, peer, org):
        """Does the peer take a call from somebody with this organisation's certificate?"""
        tls = fixture(f"crypto/peerOrganizations/{org}.example.com/users/Admin@{org}.example.com/tls")
        credentials = grpc.ssl_channel_credentials(
            (fixture(PEER) / "tls/ca.crt").read_bytes(),
            (tls / "client.key").read_bytes(), (tls / "client.crt").read_bytes())
        with grpc.secure_channel(peer.address, credentials) as channel:
            with self.assertRaises(grpc.RpcError) as caught:
                channel.unary_unary("/protos.Endorser/ProcessProposal")(b"", timeout=10)
        return caught.exception.code() == grpc.StatusCode.UNKNOWN

    def test_organisations_of_a_channel_are_let_in_once_it_is_joined(self):
        with Folder() as folder, FakeOrderer() as orderer:
            peer = Peer(folder, orderer.address, env=mutual_tls())
            with peer:
                self.assertTrue(self.answers(peer, "org1"))
                self.assertFalse(self.answers(peer, "org2"))
                peer.join(certificate=True)
                wait_until(lambda: self.answers(peer, "org2"))
                self.assertEqual(peer.stop(), 0)
            with peer:
                self.assertTrue(self.answers(peer, "org2"))


class Leading(unittest.TestCase):
    quick = {
        "CORE_PEER_GOSSIP_USELEADERELECTION": "true",
        "CORE_PEER_GOSSIP_ORGLEADER": "false",
        "CORE_PEER_GOSSIP_ELECTION_MEMBERSHIPSAMPLEINTERVAL": "50ms",
        "CORE_PEER_GOSSIP_ELECTION_LEADERELECTIONDURATION": "100ms",
        "CORE_PEER_GOSSIP_ELECTION_LEADERALIVETHRESHOLD": "100ms",
    }

    def test_a_peer_that_is_alone_elects_itself(self):
        with Folder() as folder, FakeOrderer() as orderer:
            with Peer(folder, orderer.address, env=self.quick) as peer:
                peer.join()
                peer.process.wait_for(": Becoming a leader")
                peer.process.wait_for("Elected as a leader, starting delivery service for channel "
                                      "mychannel")
                self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])
                self.assertEqual(peer.metric("gossip_leader_election_leader"), 1)

    def test_an_elected_leader_gives_up_and_tries_again(self):
        orderer = FakeOrderer()
        env = self.quick | {"CORE_PEER_DELIVERYCLIENT_RECONNECTTOTALTIMETHRESHOLD": "250ms"}
        with Folder() as folder, Peer(folder, orderer.address, env=env) as peer:
            peer.join()
            peer.process.wait_for("attempted to retry block delivery for more than "
                                  "peer.deliveryclient.reconnectTotalTimeThreshold duration 250ms, "
                                  "giving up")
            peer.process.wait_for("Renounced leadership, stopping delivery service for channel "
                                  "mychannel")
            with orderer:
                self.assertEqual(peer.wait_for_block(LAST), recorded()[LAST]["commit_hash"])

    def test_both_ways_at_once_end_the_process(self):
        env = self.quick | {"CORE_PEER_GOSSIP_ORGLEADER": "true"}
        with Folder() as folder:
            peer = Peer(folder, "127.0.0.1:1", env=env).start()
            peer.process.wait_for("Setting both orgLeader and useLeaderElection to true isn't "
                                  "supported, aborting execution")
            self.assertEqual(peer.process.popen.wait(20), 2)
            peer.kill()

    def test_who_does_not_lead_does_not_pull(self):
        env = {"CORE_PEER_GOSSIP_ORGLEADER": "false"}
        with Folder() as folder, FakeOrderer() as orderer:
            with Peer(folder, orderer.address, env=env) as peer:
                peer.join()
                peer.process.wait_for("Updating metadata information for channel mychannel, "
                                      "current ledger sequence is at = 0, next expected block is = 1")
                self.assertEqual(peer.stop(), 0)
                self.assertNotIn("will retrieve blocks", peer.process.log())
            self.assertTrue(orderer.requests.empty())


class Starting(unittest.TestCase):
    def ends(self, peer, status, words):
        peer.start()
        peer.process.wait_for(words)
        self.assertEqual(peer.process.popen.wait(20), status)
        peer.kill()

    def test_a_port_in_use_and_a_folder_in_use(self):
        with Folder() as folder, Peer(folder, "127.0.0.1:1") as first:
            other = Peer(folder, "127.0.0.1:1")
            self.ends(other, 2, "lock is already acquired on file .*ledgersData/fileLock")
            taken = Peer(pathlib.Path(folder) / "other", "127.0.0.1:1")
            taken.env["CORE_PEER_LISTENADDRESS"] = first.address
            self.ends(taken, 1, r"Failed to create peer server \(.*address already in use")

    def test_what_is_missing_is_said(self):
        with Folder() as folder:
            for env, status, words in (
                    ({"CORE_PEER_MSPCONFIGPATH": str(folder)}, 1, "Error: .*MSP of type bccsp"),
                    ({"CORE_PEER_LOCALMSPTYPE": "idemix"}, 1, "Unsupported msp type idemix"),
                    ({"CORE_PEER_ADDRESS": "peer0"}, 1,
                     "Error: peer.address isn't in host:port format: peer0"),
                    ({"CORE_PEER_TLS_KEY_FILE": "/none"}, 1,
                     r"Error loading secure config for peer \(error loading TLS key \("),
                    ({"CORE_LEDGER_STATE_STATEDATABASE": "CouchDB"}, 2,
                     "ledger.state.stateDatabase is CouchDB, which this peer does not speak"),
                    ({"CORE_LEDGER_SNAPSHOTS_ROOTDIR": "./here"}, 2,
                     "Error in instantiating ledger provider: invalid path: ./here. The path for "
                     "the snapshot dir is expected to be an absolute path")):
                with self.subTest(words):
                    self.ends(Peer(folder, "127.0.0.1:1", env=env), status, words)

    def test_without_anything_that_could_run_chaincodes_it_does_not_start(self):
        """An empty variable counts as unset, so this needs a file of its own."""
        with Folder() as folder:
            text = (ROOT / "sampleconfig/core.yaml").read_text()
            self.assertIn("unix:///var/run/docker.sock", text)
            (folder / "core.yaml").write_text(text.replace("unix:///var/run/docker.sock", ""))
            peer = Peer(folder, "127.0.0.1:1", env={"FABRIC_CFG_PATH": str(folder)})
            self.ends(peer, 2, "VMEndpoint not set and no ExternalBuilders defined")


if __name__ == "__main__":
    unittest.main()
