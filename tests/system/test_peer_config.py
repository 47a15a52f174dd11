"""Configuration blocks that change a running peer: to whom it goes for blocks, and what it
has to be able to do."""

import copy
import unittest

import grpc

import config_change
from config_change import capabilities
from fabric_network import Broadcast, Identity, signed_update
from harness import Folder, wait_until, weft
from made_network import CHANNEL, MadeNetwork, free_ports
from wire import data


class Changes(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.net = MadeNetwork(folder.__enter__())
        self.addCleanup(folder.__exit__)
        self.start_orderer()
        self.net.create_channel()
        self.peer = self.net.start_peer(1)
        self.addCleanup(self.peer.stop, 9)
        self.net.peer("channel", "join", "-b", f"{CHANNEL}.block")
        crypto = self.net.folder / "crypto"
        self.orderers = Identity(
            crypto / "ordererOrganizations/example.com/users/Admin@example.com/msp", "OrdererMSP")
        self.admins = [Identity(self.net.org(n) / f"users/Admin@org{n}.example.com/msp",
                                f"Org{n}MSP") for n in (1, 2)]

    def start_orderer(self):
        self.orderer = self.net.start_orderer()
        self.addCleanup(self.orderer.stop, 9)

    def submit(self, envelope):
        ca = (self.net.orderer_node() / "tls/ca.crt").read_bytes()
        address = f"127.0.0.1:{self.net.orderer_port}"
        with grpc.secure_channel(address, grpc.ssl_channel_credentials(ca)) as connection:
            stream = Broadcast(connection)
            stream.send(envelope)
            self.assertEqual(stream.read(), (200, ""))

    def change(self, edit):
        """Does this to the configuration, in the words of all administrators."""
        block = self.net.folder / "config.block"
        self.net.peer("channel", "fetch", "config", block, "-c", CHANNEL, *self.net.to_orderer())
        old = config_change.config_of(block.read_bytes())
        new = copy.deepcopy(old)
        edit(new)
        self.submit(signed_update(config_change.update(CHANNEL, old, new),
                                  [self.orderers, *self.admins], CHANNEL))

    def height(self):
        return self.net.chain_info(1)["height"]

    def test_it_goes_to_the_orderer_that_the_new_configuration_names(self):
        old_port = self.net.orderer_port
        new_port = free_ports(1)[0]
        addresses = data(1, f"127.0.0.1:{new_port}")
        self.peer.wait_for(f"Pulling next blocks from .*orderer-address=127.0.0.1:{old_port}")

        def edit(root):
            root.at("Orderer/OrdererOrg").values["Endpoints"].content = addresses

        self.change(edit)
        self.peer.wait_for("Ordering endpoints have been refreshed, disconnecting from deliver to "
                           "reconnect using updated endpoints")
        self.peer.wait_for(rf"Could not connect to ordering service: could not dial endpoint "
                           rf"'127.0.0.1:{new_port}': .*refused")
        wait_until(lambda: self.height() == 2, what="the config block")
        # Another process on the other port, where the first one has left off.
        self.assertEqual(self.orderer.stop(15), 0)
        self.net.orderer_port = new_port
        self.start_orderer()
        self.peer.wait_for(f"Pulling next blocks from .*orderer-address=127.0.0.1:{new_port}")
        self.submit(self.admins[0].message(CHANNEL, b"the orderer does not look into it"))
        wait_until(lambda: self.height() == 3, what="the block of the other orderer")
        self.assertEqual(self.peer.stop(15), 0)

    def test_what_it_cannot_do_ends_it_before_the_block_is_in_its_ledger(self):
        def edit(root):
            root.at("Application").values["Capabilities"].content = capabilities("V2_0", "V9_9")

        self.change(edit)
        for _ in range(2):  # after a start the block comes again
            self.peer.wait_for(rf"\[channel {CHANNEL}\] incompatible: Application capability V9_9 "
                               "is required but not supported$")
            self.assertEqual(self.peer.popen.wait(20), 2)
            verified = weft("ledger", "verify", self.net.folder / "peer1/ledgersData")
            self.assertEqual(verified.returncode, 0, verified.stderr)
            self.assertIn("good: 1 blocks", verified.stdout)
            self.peer = self.net.start_peer(1)
            self.addCleanup(self.peer.stop, 9)


if __name__ == "__main__":
    unittest.main()
