"""What a peer joins, and what not: blocks that are none, or of something else, people who may
not; and a stream that is bound to another certificate than it says."""

import hashlib
import pathlib
import re
import ssl
import unittest

import grpc

import wire
from fabric_network import Broadcast, Identity, signed_update
import config_change
from harness import Folder, SANITIZED, wait_until
from made_network import CHANNEL, MadeNetwork

REFUSED = "Error: proposal failed (err: bad proposal response 500: "
NOT_VALID = (f'"JoinChain" for channelID = {{}} failed because of validation of configuration '
             "block, because of ")


def resident_mb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+)", status, re.M).group(1)) / 1000


class Joining(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.net = MadeNetwork(folder.__enter__())
        self.addCleanup(folder.__exit__)
        self.addCleanup(self.net.start_orderer().stop, 9)
        self.net.create_channel()
        self.genesis = (self.net.folder / f"{CHANNEL}.block").read_bytes()
        self.orderers = Identity(
            self.net.folder / "crypto/ordererOrganizations/example.com/users/Admin@example.com/msp",
            "OrdererMSP")

    def start(self, **env):
        peer = self.net.start_peer(1, **env)
        self.addCleanup(peer.stop, 9)
        return peer

    def submit(self, envelope):
        ca = (self.net.orderer_node() / "tls/ca.crt").read_bytes()
        address = f"127.0.0.1:{self.net.orderer_port}"
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(ca)) as connection:
            stream = Broadcast(connection)
            stream.send(envelope)
            self.assertEqual(stream.read(), (200, ""))

    def fetch(self, n):
        block = self.net.folder / f"{n}.fetched"
        self.net.peer("channel", "fetch", n, block, "-c", CHANNEL, *self.net.to_orderer())
        return block.read_bytes()

    def refused(self, content, words, **env):
        (self.net.folder / "a.block").write_bytes(content)
        done = self.net.run("peer", "channel", "join", "-b", "a.block",
                            env=self.net.admin(1) | env, ok=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(words, done.stderr)

    def test_blocks_that_make_no_channel(self):
        self.submit(self.orderers.message(CHANNEL, b"block 1"))
        old = config_change.config_of(self.genesis)
        new = config_change.config_of(self.genesis)
        new.at("Orderer").values["BatchSize"].content = config_change.batch_size(7)
        self.submit(signed_update(config_change.update(CHANNEL, old, new), [self.orderers],
                                  CHANNEL))
        message, config = self.fetch(1), self.fetch(2)
        self.start()
        self.refused(b"", REFUSED + '"JoinChain" request failed to extract channel id from the '
                     "block due to [failed to retrieve channel id - block is empty])")
        self.refused(b"\xff\xff", REFUSED + "Failed to reconstruct the genesis block, ")
        self.refused(self.genesis[:-20], REFUSED + "Failed to reconstruct the genesis block, "
                     "error unmarshaling Block: unexpected EOF)")
        self.refused(message, REFUSED + NOT_VALID.format(CHANNEL) + "Bad configuration envelope: "
                     "invalid type MESSAGE, expected CONFIG)")
        self.refused(config, REFUSED + "cannot create ledger from genesis block: Expected block "
                     "number=0, received block number=2)")
        self.refused((self.net.folder / "genesis.block").read_bytes(), REFUSED +
                     NOT_VALID.format("system-channel") + "Invalid configuration block, missing "
                     "Application configuration group)")
        done = self.net.peer("channel", "join", "-b", "absent.block", ok=False)
        self.assertIn("Error: genesis block file not found open absent.block: no such file or "
                      "directory", done.stderr)
        # Nothing of it is left behind.
        self.assertEqual(self.net.peer("channel", "list").stdout, "Channels peers has joined: \n")
        self.net.peer("channel", "join", "-b", f"{CHANNEL}.block")
        wait_until(lambda: self.net.chain_info(1)["height"] == 3, what="the height")

    @unittest.skipIf(SANITIZED, "their memory is another")
    def test_an_idle_peer_is_small_again_after_a_join(self):
        peer = self.start()
        self.net.peer("channel", "join", "-b", f"{CHANNEL}.block")
        wait_until(lambda: resident_mb(peer.popen.pid) < 9, what="less than 9 MB")

    def test_people_who_may_not(self):
        self.start()
        user = self.net.org(1) / "users/User1@org1.example.com/msp"
        other = self.net.org(2) / "users/Admin@org2.example.com/msp"
        self.refused(self.genesis, REFUSED + f"access denied for [JoinChain][{CHANNEL}]: [Failed "
                     "verifying that proposal's creator satisfies local MSP principal during "
                     "channelless check policy with policy [Admins]: [The identity is not an admin "
                     "under this MSP [Org1MSP]: ", CORE_PEER_MSPCONFIGPATH=str(user))
        self.refused(self.genesis, "Error: proposal failed (err: rpc error: code = Unknown desc = "
                     "error validating proposal: access denied: channel [] creator org [Org2MSP])",
                     CORE_PEER_MSPCONFIGPATH=str(other), CORE_PEER_LOCALMSPID="Org2MSP")

    def test_a_stream_bound_to_another_certificate(self):
        tls = self.net.org(1) / "users/Admin@org1.example.com/tls"
        ca = str(self.net.peer_node(1) / "tls/ca.crt")
        self.start(CORE_PEER_TLS_CLIENTAUTHREQUIRED="true", CORE_PEER_TLS_CLIENTROOTCAS_FILES=ca)
        client = {"CORE_PEER_TLS_CLIENTAUTHREQUIRED": "true",
                  "CORE_PEER_TLS_CLIENTCERT_FILE": str(tls / "client.crt"),
                  "CORE_PEER_TLS_CLIENTKEY_FILE": str(tls / "client.key")}
        self.net.run("peer", "channel", "join", "-b", f"{CHANNEL}.block",
                     env=self.net.admin(1) | client)
        admin = Identity(self.net.org(1) / "users/Admin@org1.example.com/msp", "Org1MSP")
        pem = (tls / "client.crt").read_text()
        right = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).digest()
        credentials = grpc.ssl_channel_credentials(
            (self.net.peer_node(1) / "tls/ca.crt").read_bytes(),
            (tls / "client.key").read_bytes(), (tls / "client.crt").read_bytes())
        info = wire.seek(wire.OLDEST, wire.OLDEST)
        with grpc.secure_channel(f"127.0.0.1:{self.net.peer_ports[1][0]}",
                                 credentials) as connection:
            for bound, status in ((b"", 400), (bytes(32), 400), (right, 200)):
                with self.subTest(bound):
                    header = wire.channel_header(CHANNEL, tls_hash=bound)
                    call = connection.stream_stream("/protos.Deliver/Deliver")
                    answers = list(call(iter([admin.envelope(header, info)]), timeout=30))
                    self.assertEqual(wire.field(answers[-1], 1), status)


if __name__ == "__main__":
    unittest.main()
