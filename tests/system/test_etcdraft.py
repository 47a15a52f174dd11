"""etcdraft with one consenter: what it writes into blocks, over starts and changes of its
settings, and how its certificates are replaced.  The original gives the same answers (see
PROGRAM in fabric_network)."""

import os
import unittest

import chain_check
import config_change
import fabric_network
import test_configuration
from cryptography.hazmat.primitives import serialization
from fabric_network import ORDERER, Orderer, envelopes, orderer_tls_pair, repeated
from harness import Certificates, fixture
from test_configuration import APPLYING
from wire import data, field, replaced

METADATA = ("consensus metadata update for channel config update is invalid: invalid new config "
            "metadata: ")


def consenter_metadata(block):
    """(consenter_ids, next_consenter_id, raft_index) of slot 0: Metadata {
    OrdererBlockMetadata { 2 Metadata { BlockMetadata } } }"""
    slot = repeated(field(block, 3), 1)[0]
    own = field(field(field(slot, 1, b""), 2, b""), 1, b"")
    return field(own, 1, b""), field(own, 2, 0), field(own, 3, 0)


class Base(test_configuration.Base):
    genesis = "etcdraft"
    env, program = {}, None
    channels = ("system-channel",)
    sent = 0

    def start(self, serves=True):
        self.orderer = Orderer(self.dir, self.genesis, self.env, self.program).ready()
        self.addCleanup(self.orderer.process.stop, 9)
        for channel in self.channels if serves else ():
            self.wait_for_a_leader(channel)

    def make_channel(self):
        super().make_channel()
        self.channels += ("mychannel",)
        self.wait_for_a_leader("mychannel")

    def wait_for_a_leader(self, channel):
        self.orderer.process.wait_for("Start accepting requests as Raft leader at block .*"
                                      f"channel={channel}", 40)

    def blocks(self):
        blocks, status = self.orderer.blocks(self.orderers, "mychannel", errors=1)
        self.assertEqual(status, 200)
        return blocks

    def one_more(self):
        """A message that is a block."""
        self.sent += 1
        height = len(self.blocks())
        self.send(str(self.sent))
        self.assertEqual(self.batches(height, 1), [[str(self.sent)]])

    def settings(self, edit, channel="mychannel"):
        """Edits ConfigMetadata { 1 consenters, 2 options }."""
        def edit_type(root):
            kind = root.at("Orderer").values["ConsensusType"]
            kind.content = replaced(kind.content, 2, edit(field(kind.content, 2)))
        return self.changed(edit_type, self.orderers, channel=channel), edit_type

    def change_settings(self, edit, channel="mychannel"):
        self.change(self.settings(edit, channel)[1], self.orderers, channel=channel)

    def raft_indices(self):
        return [consenter_metadata(b)[2] for b in self.blocks()]


class Indices(Base):
    def snapshots_of(self, size):
        """Options { 5 snapshot_interval_size }"""
        return lambda m: replaced(m, 2, replaced(field(m, 2), 5, size))

    def test_over_starts_and_settings(self):
        self.one_more()
        self.one_more()
        self.restart()  # elects itself, which takes a place in the log
        self.one_more()
        self.change(self.put("Orderer", "BatchSize", config_change.batch_size(4)), self.orderers)
        self.restart()
        self.one_more()
        self.change_settings(self.snapshots_of(1 << 20))  # says what the one before it says
        self.one_more()
        self.change_settings(self.snapshots_of(2 << 20))
        self.restart()
        self.one_more()
        self.change_settings(self.snapshots_of(3 << 20))
        self.change_settings(self.snapshots_of(4 << 20))
        self.restart()
        self.one_more()
        self.assertEqual(self.raft_indices(), [0, 3, 4, 6, 7, 9, 9, 11, 11, 14, 14, 14, 18])

    def test_over_starts_that_are_killed_before_there_is_a_block(self):
        self.one_more()
        for _ in range(3):  # each takes a place
            self.orderer.kill()
            self.start()
        self.one_more()
        self.assertEqual(self.raft_indices(), [0, 3, 7])


class Rotation(Base):
    def show_as(self, pair):
        """From the next start on."""
        self.env = {"ORDERER_GENERAL_TLS_CERTIFICATE": str(pair[0]),
                    "ORDERER_GENERAL_TLS_PRIVATEKEY": str(pair[1])}

    def with_certs(self, client, server):
        """Consenter { 3 client_tls_cert, 4 server_tls_cert }: the only one gets these."""
        return lambda m: replaced(m, 1, replaced(replaced(
            field(m, 1), 3, client.read_bytes()), 4, server.read_bytes()))

    def test_both_certificates_are_replaced(self):
        new = orderer_tls_pair(self.dir, "new")
        self.one_more()
        for channel in self.channels:
            self.change_settings(self.with_certs(new[0], new[0]), channel)
        self.one_more()  # under the old ones, still
        self.assertEqual(self.orderer.stop(), 0)
        self.start(serves=False)
        self.refused(self.user.message("mychannel", b"x"), 503,
                     "channel mychannel is not serviced by me")
        self.assertEqual(self.orderer.blocks(self.orderers, "mychannel"), ([], 503))
        self.assertEqual(len(self.blocks()), 4)
        self.show_as(new)
        self.restart()
        self.one_more()
        self.assertEqual([consenter_metadata(b) for b in self.blocks()[1:]],
                         [(b"\1", 2, index) for index in (3, 3, 5, 7)])

    def test_only_the_clients_certificate_is_replaced(self):
        new = orderer_tls_pair(self.dir, "new")
        mine = fixture(f"{ORDERER}/tls/server.crt")
        self.change_settings(self.with_certs(new[0], mine))
        self.one_more()
        self.restart()
        self.one_more()
        self.assertEqual([consenter_metadata(b) for b in self.blocks()[1:]],
                         [(b"\1", 2, index) for index in (0, 4, 6)])

    def test_a_renewed_certificate_of_the_same_key_needs_no_update(self):
        key = serialization.load_pem_private_key(fixture(f"{ORDERER}/tls/server.key").read_bytes(),
                                                 None)
        self.one_more()
        self.show_as(orderer_tls_pair(self.dir, "renewed", key))
        self.restart()
        self.one_more()
        self.assertEqual(self.raft_indices(), [0, 3, 5])

    def test_certificates_that_are_refused(self):
        mine = fixture(f"{ORDERER}/tls/server.crt")
        strange = Certificates(self.dir / "strange").make("stranger")[0]
        late = orderer_tls_pair(self.dir, "late", days=-1)[0]
        nothing = self.dir / "nothing"
        nothing.write_bytes(b"nothing")
        where = "consenter 127.0.0.1:21450 has invalid certificate"
        for client, server, words in (
                (strange, mine, METADATA + where + ": verifying tls client cert with serial number "),
                (mine, strange, METADATA + where + ": verifying tls server cert with serial number "),
                (nothing, mine, METADATA + where + ": parsing tls client cert of 127.0.0.1:21450"),
                (late, mine, "consenter 127.0.0.1:21450 has invalid certificates: verifying tls "
                 "client cert with serial number ")):
            with self.subTest(words):
                self.refused(self.settings(self.with_certs(client, server))[0], 400, words)

    def test_settings_that_make_no_sense(self):
        def options(n, value):
            return lambda m: replaced(m, 2, replaced(field(m, 2), n, value))
        def nobody(m):
            return data(2, field(m, 2))
        def twice(m):
            return data(1, field(m, 1)) + m
        for edit, words in (
                (options(2, 0), "none of HeartbeatTick (1), ElectionTick (0) and MaxInflightBlocks "
                 "(5) can be zero"),
                (options(2, 1), "ElectionTick (1) must be greater than HeartbeatTick (1)"),
                (options(1, b"soon"), "failed to parse TickInterval (soon) to time duration"),
                (options(1, b"0s"), "TickInterval cannot be zero"),
                (nobody, "empty consenter set"),
                (twice, "duplicate consenter")):
            with self.subTest(words):
                self.refused(self.settings(edit)[0], 400, APPLYING + METADATA + words)


class RaftFiles(Base):
    """What a Go orderer wants to find, when it goes on where ours stopped."""

    GO_ORDERER = os.environ.get("WEFT_GO_ORDERER")  # the path of one

    def found(self):
        return sorted(str(path.relative_to(self.dir)) for name in ("wal", "snap")
                      for path in (self.dir / name).glob("*/*"))

    def expected(self, system, mychannel):
        wal = f"{0:016x}-{0:016x}.wal"
        return sorted([f"wal/system-channel/{wal}", f"wal/mychannel/{wal}",
                       f"snap/system-channel/{1:016x}-{system:016x}.snap",
                       f"snap/mychannel/{1:016x}-{mychannel:016x}.snap"])

    @unittest.skipIf("WEFT_ORDERER" in os.environ, "the original keeps its own")
    def test_they_are_there_while_it_is_stopped_and_are_right(self):
        self.one_more()
        self.assertEqual(self.found(), [])
        self.assertEqual(self.orderer.stop(), 0)
        self.assertEqual(self.found(), self.expected(system=3, mychannel=3))
        self.start()
        self.assertEqual(self.orderer.stop(), 0)  # known, though it is in no block
        self.assertEqual(self.found(), self.expected(system=4, mychannel=4))
        newest = chain_check.read_chain(self.dir / "ledger/chains/mychannel")[-1]
        (snapshot,) = (self.dir / "snap/mychannel").iterdir()
        block = field(field(snapshot.read_bytes(), 2), 1)
        self.assertEqual((field(field(block, 1), 1), envelopes(block)), newest)
        self.start()
        self.one_more()
        self.assertEqual(self.raft_indices(), [0, 3, 6])
        self.orderer.kill()
        self.assertEqual(self.found(), [])
        self.start()
        self.one_more()
        self.assertEqual(self.raft_indices(), [0, 3, 6, 8])

    @unittest.skipUnless(GO_ORDERER, "WEFT_GO_ORDERER names none")
    def test_a_go_orderer_goes_on_and_ours_again(self):
        self.one_more()
        self.change_settings(lambda m: replaced(m, 2, replaced(field(m, 2), 5, 1 << 20)))
        for program in (self.GO_ORDERER, fabric_network.PROGRAM) * 2:
            self.assertEqual(self.orderer.stop(), 0)
            self.program = [program]
            self.start()
            self.one_more()
            self.change(self.put("Orderer", "BatchTimeout", data(1, f"{self.sent}00ms")),
                        self.orderers)
        self.assertEqual(self.raft_indices(), [0, 3, 3, 6, 7, 9, 10, 12, 13, 15, 16])


if __name__ == "__main__":
    unittest.main()
