"""peer channel ...: against our orderer, and against a peer made by hand that looks at
what it is asked."""

import hashlib
import shutil
import subprocess
import unittest
from concurrent import futures

import grpc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography import x509

import wire
from fabric_network import Orderer, channel_type, envelopes, free_port, org, repeated
from harness import BIN, ROOT, Certificates, Folder, fixture
from wire import NEWEST, at, data, field, number

ORDERER_CA = "crypto/ordererOrganizations/example.com/orderers/orderer.example.com/tls/ca.crt"


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.dir = self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)

    def peer(self, *args, n=1, env=None):
        name = f"org{n}.example.com"
        msp = fixture(f"crypto/peerOrganizations/{name}/users/Admin@{name}/msp")
        whole = {"FABRIC_CFG_PATH": str(ROOT / "sampleconfig"), "PATH": "/usr/bin:/bin",
                 "CORE_PEER_MSPCONFIGPATH": str(msp), "CORE_PEER_LOCALMSPID": f"Org{n}MSP"}
        return subprocess.run([BIN / "peer", "channel", *map(str, args)], env=whole | (env or {}),
                              cwd=self.dir, capture_output=True, text=True, timeout=60, check=False)

    def succeeds(self, *args, **kwargs):
        done = self.peer(*args, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Endorser and orderer connections initialized", done.stderr)
        return done

    def fails(self, words, *args, **kwargs):
        done = self.peer(*args, **kwargs)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"Error: {words}", done.stderr)
        return done


class WithOrderer(Base):
    def setUp(self):
        super().setUp()
        self.orderer = Orderer(self.dir / "orderer", "etcdraft").ready()
        self.addCleanup(self.orderer.process.stop, 9)
        self.to = ["-o", self.orderer.address, "--tls", "--cafile", fixture(ORDERER_CA)]

    def create(self, *more):
        return self.succeeds("create", "-c", "mychannel", "-f", fixture("genesis/mychannel.tx"),
                             *self.to, *more)

    def test_creates_a_channel_and_brings_its_first_block(self):
        done = self.create()
        self.assertEqual(done.stdout, "")
        self.assertIn("Received block: 0", done.stderr)
        block = (self.dir / "mychannel.block").read_bytes()
        (first,), _ = self.orderer.blocks(org(1), "mychannel", at(0), at(0))
        self.assertEqual(block, first)
        self.fails("got unexpected status: BAD_REQUEST -- error applying config update to existing "
                   "channel 'mychannel'", "create", "-c", "mychannel", "-f",
                   fixture("genesis/mychannel.tx"), *self.to)
        self.create_elsewhere()

    def create_elsewhere(self):
        self.fails("Invalid channel create transaction : mismatched channel ID mychannel != foo",
                   "create", "-c", "foo", "-f", fixture("genesis/mychannel.tx"), *self.to)
        self.fails("channel create configuration tx file not found open none.tx: no such file or "
                   "directory", "create", "-c", "foo", "-f", "none.tx", *self.to)
        self.fails("must supply channel ID", "create", "-f", "none.tx", *self.to)
        self.fails("ordering service endpoint nowhere is not valid or missing", "create", "-c",
                   "foo", "-f", "none.tx", "-o", "nowhere")

    def test_without_a_transaction_one_is_made_from_the_sample_profile(self):
        text = fixture("genesis/configtx.yaml").read_text()
        text = text.replace("  AppChannel:", "  SampleSingleMSPChannel:")
        text = text.replace("MSPDir: crypto", f"MSPDir: {fixture('crypto')}")
        (self.dir / "configtx.yaml").write_text(text)
        shutil.copy(ROOT / "sampleconfig/core.yaml", self.dir)
        self.succeeds("create", "-c", "foo", *self.to, env={"FABRIC_CFG_PATH": str(self.dir)})
        (first,), _ = self.orderer.blocks(org(2), "foo", at(0), at(0))
        self.assertEqual((self.dir / "foo.block").read_bytes(), first)
        self.fails("", "create", "-c", "bar", *self.to, env={"FABRIC_CFG_PATH": "/nowhere"})

    def test_updates_are_signed_by_one_after_the_other(self):
        self.create("--outputBlock", "/dev/null", "--timeout", "15s")
        self.assertFalse((self.dir / "mychannel.block").exists())
        mine = self.dir / "anchors.tx"
        shutil.copy(fixture("genesis/Org2MSPanchors.tx"), mine)
        self.fails("got unexpected status: BAD_REQUEST", "update", "-c", "mychannel", "-f", mine,
                   *self.to)
        self.succeeds("signconfigtx", "-f", mine, n=2)
        self.assertEqual(len(repeated(field(field(mine.read_bytes(), 1), 2), 2)), 1)
        done = self.succeeds("update", "-c", "mychannel", "-f", mine, *self.to)
        self.assertIn("Successfully submitted channel update", done.stderr)
        (block,), _ = self.orderer.blocks(org(1), "mychannel", at(1), at(1))
        self.assertEqual(channel_type(envelopes(block)[0]), 1)

    def test_fetches_what_it_is_asked_for_into_the_file_it_says(self):
        self.create("--outputBlock", "/dev/null")
        self.succeeds("update", "-c", "mychannel", "-f", fixture("genesis/Org1MSPanchors.tx"),
                      *self.to)
        self.assertEqual(self.orderer.submit(org(1).message("mychannel", b"x")), (200, ""))
        blocks, _ = self.orderer.blocks(org(1), "mychannel", at(0), at(2))
        for what, number_ in (("oldest", 0), ("newest", 2), ("config", 1), ("0", 0), ("2", 2)):
            done = self.succeeds("fetch", what, "-c", "mychannel", *self.to)
            self.assertIn(f"Received block: {number_}", done.stderr)
            self.assertEqual((self.dir / f"mychannel_{what}.block").read_bytes(), blocks[number_])
        self.succeeds("fetch", "-cmychannel", "1", "named.block", "--bestEffort", *self.to)
        self.assertEqual((self.dir / "named.block").read_bytes(), blocks[1])
        done = self.fails("can't read the block: &{NOT_FOUND}", "fetch", "7", "-c", "mychannel",
                          *self.to)
        self.assertIn("Expect block, but got status: &{NOT_FOUND}", done.stderr)
        self.fails("can't read the block: &{FORBIDDEN}", "fetch", "0", "-c", "system-channel",
                   *self.to)
        self.fails("fetch target illegal: soon", "fetch", "soon", "-c", "mychannel", *self.to)
        self.fails("fetch target required", "fetch", "-c", "mychannel", *self.to)
        self.fails("trailing args detected", "fetch", "1", "2", "3", "-c", "mychannel", *self.to)

    def test_a_wrong_configuration_is_one_line_that_names_the_key(self):
        for key, value, words in (
                ("CORE_PEER_TLS_ENABLED", "perhaps", r"peer\.tls\.enabled.*want true or false"),
                ("CORE_PEER_KEEPALIVE_INTERVAL", "soon", r"peer\.keepalive\.interval.*want a duration"),
                ("CORE_PEER_GOSSIP_MAXBLOCKCOUNTTOSTORE", "many", "want a whole number"),
                ("CORE_PEER_BCCSP_DEFAULT", "PKCS11", r"\(peer\.BCCSP\.Default: want SW\)"),
                ("CORE_PEER_MSPCONFIGPATH", "/nowhere/msp",
                 r"/nowhere/msp.*\(peer\.mspConfigPath in \S+core\.yaml or the environment")):
            with self.subTest(key):
                done = self.fails("", "fetch", "0", "-c", "foo", *self.to, env={key: value})
                self.assertRegex(done.stderr, words)
                self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)

    def test_says_what_kept_it_from_connecting(self):
        nobody = ["-o", f"127.0.0.1:{free_port()}"]
        self.fails("failed to create deliver client for orderer: orderer client failed to connect "
                   f"to {nobody[1]}: failed to create new connection: dial tcp {nobody[1]}: "
                   "connect: connection refused", "fetch", "0", "-c", "mychannel", *nobody)
        self.fails("Error getting broadcast client: orderer client failed to connect to "
                   f"{nobody[1]}", "update", "-c", "mychannel", "-f",
                   fixture("genesis/Org1MSPanchors.tx"), *nobody)
        plain = ["-o", self.orderer.address, "--connTimeout", "5s"]
        self.fails("failed to create deliver client for orderer", "fetch", "0", "-c", "mychannel",
                   *plain)
        self.fails("--connTimeout takes a duration", "fetch", "0", "-c", "mychannel", *self.to,
                   "--connTimeout", "soon")
        self.fails("Cannot run peer because", "signconfigtx", "-f", "x",
                   env={"CORE_PEER_MSPCONFIGPATH": "/nowhere"})

    def test_the_hour_of_a_handshake_may_be_shifted(self):
        self.create()
        self.succeeds("fetch", "0", "-c", "mychannel", *self.to, "--tlsHandshakeTimeShift", "0s")
        self.fails("failed to create deliver client for orderer", "fetch", "0", "-c", "mychannel",
                   *self.to, "--tlsHandshakeTimeShift", "500000h")
        self.fails("failed to create deliver client for orderer", "fetch", "0", "-c", "mychannel",
                   *self.to, "--ordererTLSHostnameOverride", "elsewhere.example.com")
        self.succeeds("fetch", "0", "-c", "mychannel", *self.to, "--ordererTLSHostnameOverride",
                      "orderer.example.com")


class MutualTls(Base):
    def test_the_orderer_may_want_our_certificate(self):
        ca = Certificates(self.dir / "tls")
        cert, key = ca.make("client")
        env = {"ORDERER_GENERAL_TLS_CLIENTAUTHREQUIRED": "true",
               "ORDERER_GENERAL_TLS_CLIENTROOTCAS": f"[{ca.ca}]"}
        with Orderer(self.dir / "orderer", "etcdraft", env=env) as orderer:
            to = ["-o", orderer.address, "--tls", "--cafile", fixture(ORDERER_CA)]
            mine = ["--clientauth", "--certfile", cert, "--keyfile", key]
            tx = fixture("genesis/mychannel.tx")
            self.assertEqual(self.peer("create", "-c", "mychannel", "-f", tx, *to).returncode, 1)
            self.succeeds("create", "-c", "mychannel", "-f", tx, *to, *mine)
            self.fails("unable to load", "fetch", "0", "-c", "mychannel", *to, "--clientauth",
                       "--certfile", "none.pem", "--keyfile", key)


class HandMadePeer:
    """protos.Endorser: keeps what it was asked, answers what it is told to."""

    def __init__(self):
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        handler = grpc.unary_unary_rpc_method_handler(self.process)
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            "protos.Endorser", {"ProcessProposal": handler}),))
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.says = (200, "", b"")
        self.status = None
        self.asked = []
        self.server.start()

    def process(self, request, context):
        self.asked.append(request)
        if self.status:
            context.abort(*self.status)
        status, message, payload = self.says
        response = (number(1, status) if status else b"") + data(2, message) + data(3, payload)
        return number(1, 1) + data(4, response)

    def stop(self):
        self.server.stop(None)


class WithPeer(Base):
    def setUp(self):
        super().setUp()
        self.node = HandMadePeer()
        self.addCleanup(self.node.stop)
        self.env = {"CORE_PEER_ADDRESS": self.node.address}

    def check_proposal(self, request, kind, chaincode, args):
        """It is what protoutil.CreateProposalFromCIS and GetSignedProposal make."""
        who = org(1)
        proposal, signature = field(request, 1), field(request, 2)
        header, payload = field(proposal, 1), field(proposal, 2)
        channel, signer = field(header, 1), field(header, 2)
        creator, nonce = field(signer, 1), field(signer, 2)
        self.assertEqual(creator, who.creator)
        self.assertEqual(len(nonce), 24)
        x509.load_pem_x509_certificate(who.cert).public_key().verify(
            signature, proposal, ec.ECDSA(hashes.SHA256()))
        self.assertEqual(field(channel, 1), kind)
        self.assertIsNone(field(channel, 4))  # no channel
        self.assertEqual(field(channel, 5).decode(), hashlib.sha256(nonce + creator).hexdigest())
        self.assertEqual(field(channel, 7), data(2, data(2, chaincode)))
        spec = field(field(payload, 1), 1)
        self.assertEqual(field(spec, 1), 1)
        self.assertEqual(field(spec, 2), data(2, chaincode))
        self.assertEqual(repeated(field(spec, 3), 1), args)

    def test_list_prints_the_channels(self):
        self.node.says = (200, "", data(1, data(1, "mychannel")) + data(1, data(1, "other")))
        done = self.succeeds("list", env=self.env)
        self.assertEqual(done.stdout, "Channels peers has joined: \nmychannel\nother\n")
        self.check_proposal(self.node.asked[0], 3, "cscc", [b"GetChannels"])
        self.fails("trailing args detected: [a b]", "list", "a", "b", env=self.env)
        self.node.says = (200, "", b"\xff")
        self.fails("Cannot read channels list response", "list", env=self.env)
        self.node.says = (500, "no", b"")
        self.fails("Received bad response, status 500: no", "list", env=self.env)
        self.node.status = grpc.StatusCode.UNKNOWN, "access denied"
        self.fails("Failed sending proposal, got rpc error: code = Unknown desc = access denied",
                   "list", env=self.env)

    def test_getinfo_prints_what_go_prints(self):
        self.node.says = (200, "", number(1, 7) + data(2, b"\x01" * 32) + data(3, b"\xff" * 32))
        done = self.succeeds("getinfo", "-c", "mychannel", env=self.env)
        self.assertEqual(done.stdout, 'Blockchain info: {"height":7,"currentBlockHash":'
                         '"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=","previousBlockHash":'
                         '"//////////////////////////////////////////8="}\n')
        self.check_proposal(self.node.asked[0], 3, "qscc", [b"GetChainInfo", b"mychannel"])
        self.node.says = (200, "", b"")
        self.assertEqual(self.succeeds("getinfo", "-c", "mychannel", env=self.env).stdout,
                         "Blockchain info: {}\n")
        self.fails("Must supply channel ID", "getinfo", env=self.env)
        self.node.says = (500, "Invalid chain ID, foo", b"")
        self.fails("received bad response, status 500: Invalid chain ID, foo", "getinfo", "-c",
                   "foo", env=self.env)
        self.node.status = grpc.StatusCode.UNAVAILABLE, "later"
        self.fails("failed sending proposal: rpc error: code = Unavailable desc = later",
                   "getinfo", "-c", "foo", env=self.env)

    def test_join_sends_the_file_as_it_is(self):
        block = self.dir / "some.block"
        block.write_bytes(b"whatever is in it" * 1000)
        done = self.succeeds("join", "-b", block, env=self.env)
        self.assertIn("Successfully submitted proposal to join channel", done.stderr)
        self.check_proposal(self.node.asked[0], 1, "cscc", [b"JoinChain", block.read_bytes()])
        self.node.says = (0, "", b"")
        self.succeeds("join", "-b", block, env=self.env)
        self.node.says = (500, "LedgerID already exists", b"")
        self.fails("proposal failed (err: bad proposal response 500: LedgerID already exists)",
                   "join", "-b", block, env=self.env)
        self.fails("genesis block file not found open none: no such file or directory", "join",
                   "-b", "none", env=self.env)
        self.fails("Must supply genesis block path", "join", env=self.env)
        self.fails("error getting endorser client for channel: endorser client failed to connect "
                   "to 127.0.0.1:1: failed to create new connection: ", "join", "-b", block,
                   env={"CORE_PEER_ADDRESS": "127.0.0.1:1"})


if __name__ == "__main__":
    unittest.main()
