"""Each kind of configuration update: who may make it, what it does at once and after a
restart, and in which words it is refused.  The original gives the same answers (see
PROGRAM in fabric_network)."""

import copy
import unittest

import config_change
import wire
from config_change import Item, batch_size, consensus_type
from fabric_network import (Broadcast, Deliver, Orderer, channel_creation, channel_type, content,
                            envelopes, orderer_admin, org, repeated, signed_update)
from harness import Folder, fixture, wait_until
from wire import ALL, NEWEST, at, data, field, number

APPLYING = "error applying config update to existing channel 'mychannel': "
NORMAL, MAINTENANCE = 0, 1
WRITERS = ("implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy "
           "requires 1 of the 'Writers' sub-policies to be satisfied: permission denied")


def raft_index(block):
    """Of slot 0: Metadata { value = OrdererBlockMetadata { 2 consenter_metadata { 3 } } }"""
    slot = repeated(field(block, 3), 1)[0]
    return field(field(field(field(slot, 1, b""), 2, b""), 1, b""), 3, 0)


class Base(unittest.TestCase):
    genesis = "solo"

    def setUp(self):
        folder = Folder()
        self.dir = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.user, self.admin, self.other = org(1, "User1"), org(1), org(2)
        self.orderers = orderer_admin()
        self.start()
        self.make_channel()

    def make_channel(self):
        self.accepted(channel_creation(self.admin))

    def start(self):
        self.orderer = Orderer(self.dir, self.genesis).ready()
        self.addCleanup(self.orderer.process.stop, 9)

    def restart(self):
        self.assertEqual(self.orderer.stop(), 0)
        self.start()

    def accepted(self, envelope):
        self.assertEqual(self.orderer.submit(envelope), (200, ""))

    def refused(self, envelope, status, words):
        got = self.orderer.submit(envelope)
        self.assertEqual(got[0], status, got)
        self.assertIn(words, got[1])

    # ---- the configuration --------------------------------------------------------------

    def config(self, channel="mychannel"):
        """The root group in force, as the newest block says where it is."""
        (newest,), _ = self.orderer.blocks(self.orderers, channel, NEWEST)
        slot = repeated(field(newest, 3), 1)[0]
        number_of = field(field(field(slot, 1, b""), 1, b""), 1, 0)
        (block,), _ = self.orderer.blocks(self.orderers, channel, at(number_of), at(number_of))
        return config_change.config_of(block)

    def changed(self, edit, *signers, channel="mychannel"):
        """The envelope of an update that does this to the configuration."""
        old = self.config(channel)
        new = copy.deepcopy(old)
        edit(new)
        return signed_update(config_change.update(channel, old, new), signers, channel)

    def change(self, edit, *signers, channel="mychannel"):
        before = self.config(channel).encode()
        self.accepted(self.changed(edit, *signers, channel=channel))
        wait_until(lambda: self.config(channel).encode() != before)  # the original answers before

    def put(self, path, name, value):
        return lambda root: setattr(root.at(path).values[name], "content", value)

    # ---- the chain ------------------------------------------------------------------------

    def send(self, *texts, who=None):
        with self.orderer.connect() as channel:
            stream = Broadcast(channel)
            for text in texts:
                stream.send((who or self.user).message("mychannel", text.encode()))
            self.assertEqual([stream.read() for _ in texts], [(200, "")] * len(texts))

    def batches(self, start, count):
        """The messages of so many blocks, from `start` on, when they are there."""
        with self.orderer.connect() as channel:
            stream = Deliver(channel)
            stream.ask(self.orderers.seek("mychannel", wire.seek(at(start), at(start + count - 1))))
            blocks, status = stream.until_status()
        self.assertEqual(status, 200)
        return [[content(e).decode() for e in envelopes(b)] for b in blocks]


class Batches(Base):
    def test_the_size_of_batches(self):
        self.change(self.put("Orderer", "BatchSize", batch_size(2)), self.orderers)
        self.send("a", "b", "c", "d")
        self.assertEqual(self.batches(2, 2), [["a", "b"], ["c", "d"]])
        preferred = len(self.user.message("mychannel", b"x" * 2000)) - 100
        self.change(self.put("Orderer", "BatchSize", batch_size(100, 5000, preferred)),
                    self.orderers)
        self.send("small", "x" * 2000, "y", "z" * 2000)  # what is larger goes alone
        self.assertEqual(self.batches(5, 4), [["small"], ["x" * 2000], ["y"], ["z" * 2000]])
        self.restart()
        self.refused(self.user.message("mychannel", b"x" * 5000), 400,
                     "exceeds maximum allowed 5000 bytes")

    def test_a_message_of_just_the_size_that_is_allowed_passes(self):
        self.change(self.put("Orderer", "BatchSize", batch_size(2, 10000, 10)), self.orderers)
        self.accepted(self.of_size(10000))
        self.refused(self.of_size(10001), 400, "message payload is 10001 bytes and exceeds maximum "
                     "allowed 10000 bytes")

    def of_size(self, wanted):
        """A message whose payload and signature are so long; signatures differ in length."""
        length = wanted - 1000
        while True:
            message = self.user.message("mychannel", b"x" * length)
            size = len(field(message, 1)) + len(field(message, 2))
            if size == wanted:
                return message
            length += wanted - size

    def test_the_batch_timeout(self):
        self.change(self.put("Orderer", "BatchTimeout", data(1, "20ms")), self.orderers)
        self.send("alone")
        self.assertEqual(self.batches(2, 1), [["alone"]])
        for text, why in (("0s", "Attempted to set the batch timeout to a non-positive value: 0s"),
                          ("soon", "Attempted to set the batch timeout to a invalid value: time: "
                           "invalid duration \"soon\"")):
            self.refused(self.changed(self.put("Orderer", "BatchTimeout", data(1, text)),
                                      self.orderers), 400, APPLYING + "initializing channelconfig "
                         "failed: could not create channel Orderer sub-group config: " + why)

    def test_sizes_that_make_no_sense(self):
        for size, why in ((batch_size(0), "Attempted to set the batch size max message count to an "
                           "invalid value: 0"),
                          (batch_size(1, 10, 11), "Attempted to set the batch size preferred max "
                           "bytes (11) greater than the absolute max bytes (10).")):
            self.refused(self.changed(self.put("Orderer", "BatchSize", size), self.orderers), 400,
                         APPLYING + "initializing channelconfig failed: could not create channel "
                         "Orderer sub-group config: " + why)


class Members(Base):
    def waiting(self, channel, who):
        stream = Deliver(channel)
        stream.ask(who.seek("mychannel", wire.seek(at(0), at(ALL))))
        self.assertEqual(stream.read()[1], 0)
        return stream

    def test_an_organisation_that_goes_and_comes_back(self):
        org2 = self.config().at("Application").groups["Org2MSP"]
        outsider = org(2, "User1")
        with self.orderer.connect() as channel:
            ours, theirs = self.waiting(channel, self.user), self.waiting(channel, outsider)
            self.change(lambda root: root.at("Application").groups.pop("Org2MSP"), self.admin,
                        self.other)
            self.assertEqual(theirs.read(), ("status", 403))  # without the block that says so
            self.assertEqual(ours.read()[1], 1)
        self.refused(outsider.message("mychannel", b"x"), 403, WRITERS)
        self.assertEqual(self.orderer.blocks(outsider, "mychannel"), ([], 403))
        self.restart()
        self.refused(outsider.message("mychannel", b"x"), 403, WRITERS)
        self.change(lambda root: root.at("Application").groups.update(Org2MSP=org2), self.admin)
        self.send("here again", who=outsider)
        self.assertEqual(self.orderer.blocks(outsider, "mychannel")[1], 200)

    def test_most_administrators_must_agree(self):
        missing = ("error authorizing update: error validating DeltaSet: policy for [Group]  "
                   "/Channel/Application not satisfied: implicit policy evaluation failed - 1 "
                   "sub-policies were satisfied, but this policy requires 2 of the 'Admins' "
                   "sub-policies to be satisfied")
        def edit(root):
            root.at("Application").groups.pop("Org2MSP")
        self.refused(self.changed(edit, self.admin), 400, APPLYING + missing)
        self.refused(self.changed(edit, self.admin, self.admin), 400, APPLYING + missing)
        self.refused(self.changed(edit, self.admin, self.orderers), 400, APPLYING + missing)

    def test_an_msp_that_is_none(self):
        self.refused(self.changed(self.put("Application/Org1MSP", "MSP", b""), self.admin), 400,
                     APPLYING + "initializing channelconfig failed: could not create channel "
                     "Application sub-group config: setting up the MSP manager failed: expected at least one "
                     "CA certificate")

    def test_a_section_does_not_vanish(self):
        for name, signers in (("Application", (self.admin, self.other)),
                              ("Orderer", (self.orderers,))):
            self.refused(self.changed(lambda root: root.groups.pop(name), self.admin, self.other,
                                      self.orderers), 400, APPLYING)

    def test_policies(self):
        every = config_change.implicit_policy("ALL", "Writers")
        def edit(root):
            root.at("Application").policies["Writers"].content = every
        self.change(edit, self.admin, self.other)
        self.refused(self.user.message("mychannel", b"x"), 403, WRITERS)
        self.send("the orderer's may", who=self.orderers)

    def test_acls_and_addresses(self):
        acls = data(1, data(1, "event/Block") + data(2, data(1, "Admins")))
        def add_acls(root):
            root.at("Application").values["ACLs"] = Item(acls)
        self.change(add_acls, self.admin, self.other)
        self.change(self.put("", "OrdererAddresses", data(1, "127.0.0.1:7050")), self.orderers)
        self.change(self.put("Orderer/OrdererOrg", "Endpoints", data(1, "127.0.0.1:7051")),
                    self.orderers)
        self.send("as before")
        self.restart()
        self.assertEqual(self.config().at("Application").values["ACLs"].content, acls)

    def test_values_and_groups_that_nobody_knows(self):
        def value(root):
            root.at("Application").values["Colour"] = Item(b"")
        def group(root):
            root.groups["Kitchen"] = config_change.Group()
        self.refused(self.changed(value, self.admin, self.other), 400, APPLYING + "initializing "
                     "channelconfig failed: could not create channel Application sub-group config: "
                     "failed to deserialize values: Unexpected key Colour")
        self.refused(self.changed(group, self.admin, self.other, self.orderers), 400, APPLYING +
                     "initializing channelconfig failed: Disallowed channel group: ")

    def test_capabilities_that_we_have_not(self):
        names = config_change.capabilities("V2_0", "V9_9")
        for path, level in (("", "channel"), ("Orderer", "orderer")):
            self.refused(self.changed(self.put(path, "Capabilities", names), self.admin, self.other,
                                      self.orderers), 400,
                         APPLYING + f"config update is not compatible: config requires unsupported "
                         f"{level} capabilities: ")


class SystemChannel(Base):
    system = "system-channel"

    def creation(self, channel, keep=("Org1MSP", "Org2MSP")):
        """As the fixtures', for another channel, with these organisations."""
        made = field(content(fixture("genesis/mychannel.tx").read_bytes()), 1)
        sets = [config_change.group_of(field(made, n)) for n in (2, 3)]
        for one in sets:
            groups = one.at("Application").groups
            for name in set(groups) - set(keep):
                del groups[name]
        update = data(1, channel) + data(2, sets[0].encode()) + data(3, sets[1].encode())
        return signed_update(update, [self.admin], channel)

    def test_how_many_channels_there_may_be(self):
        self.change(self.put("Orderer", "ChannelRestrictions", number(1, 2)), self.orderers,
                    channel=self.system)
        self.accepted(self.creation("third"))
        wait_until(lambda: self.orderer.blocks(self.admin, "third")[1] == 200)
        self.refused(self.creation("fourth"), 400,
                     "channel creation would exceed maximimum number of channels: 2")
        self.restart()
        self.refused(self.creation("fourth"), 400,
                     "channel creation would exceed maximimum number of channels: 2")

    def test_who_is_in_the_consortium(self):
        self.refused(self.creation("empty", keep=()), 400, "Proposed configuration has no "
                     "application group members, but consortium contains members")
        def edit(root):
            root.at("Consortiums/SampleConsortium").groups.pop("Org2MSP")
        self.change(edit, self.orderers, channel=self.system)
        self.refused(self.creation("both"), 400,
                     "Attempted to include member Org2MSP which is not in the consortium")
        self.accepted(self.creation("alone", keep=("Org1MSP",)))
        wait_until(lambda: self.orderer.blocks(self.admin, "alone")[1] == 200)
        self.assertEqual(self.orderer.blocks(self.other, "alone")[1], 403)

    def test_only_orderers_change_it(self):
        self.refused(self.changed(self.put("Orderer", "BatchSize", batch_size(3)), self.admin,
                                  channel=self.system), 403, "config update for existing channel "
                     "did not pass initial checks: " + WRITERS)

    def test_no_channels_are_made_in_maintenance(self):
        root = self.config(self.system)
        kind = consensus_type(field(root.at("Orderer").values["ConsensusType"].content, 1),
                              state=MAINTENANCE)
        self.change(self.put("Orderer", "ConsensusType", kind), self.orderers, channel=self.system)
        self.refused(self.creation("late"), 503,
                     "channel creation is not permitted: maintenance mode")


class Maintenance(Base):
    def set_type(self, name, metadata=b"", state=NORMAL):
        return self.put("Orderer", "ConsensusType", consensus_type(name, metadata, state))

    def raft(self):
        """The metadata of the fixtures' one consenter, which we are."""
        block = fixture("genesis/genesis-etcdraft.block").read_bytes()
        value = config_change.config_of(block).at("Orderer").values["ConsensusType"].content
        return field(value, 2)

    def test_only_the_orderers_are_let_in(self):
        self.change(self.set_type("solo", state=MAINTENANCE), self.orderers)
        for who in (self.user, self.orderers):
            self.refused(who.message("mychannel", b"x"), 503,
                         "normal transactions are rejected: maintenance mode")
        self.assertEqual(self.orderer.blocks(self.user, "mychannel"), ([], 403))
        self.assertEqual(self.orderer.blocks(self.orderers, "mychannel")[1], 200)
        self.refused(self.changed(self.put("Orderer", "BatchSize", batch_size(3)), self.admin), 403,
                     "config update for existing channel did not pass initial checks: ")
        self.restart()
        self.refused(self.user.message("mychannel", b"x"), 503,
                     "normal transactions are rejected: maintenance mode")
        self.change(self.put("Orderer", "BatchSize", batch_size(3)), self.orderers)
        self.change(self.set_type("solo"), self.orderers)
        self.send("a", "b", "c")
        self.assertEqual(self.batches(4, 1), [["a", "b", "c"]])

    def test_changes_that_are_not_for_now(self):
        checks = ("config update for existing channel did not pass maintenance checks: config "
                  "transaction inspection failed: ")
        def two_at_once(root):
            self.set_type("solo", state=MAINTENANCE)(root)
            self.put("Orderer", "BatchSize", batch_size(3))(root)
        def and_metadata(root):
            self.set_type("solo", b"\x0a\x00", MAINTENANCE)(root)
        def another_group(root):
            self.set_type("solo", state=MAINTENANCE)(root)
            root.at("Application").values["Capabilities"].content = config_change.capabilities(
                "V1_4_2")
        all_of_them = (self.orderers, self.admin, self.other)
        for edit, why in (
                (two_at_once, "config update contain more then just the ConsensusType value in the "
                 "Orderer group"),
                (and_metadata, "attempted to change ConsensusType.Metadata, but ConsensusType.State "
                 "is changing from STATE_NORMAL to STATE_MAINTENANCE"),
                (another_group, "config update contains changes to more than one group"),
                (self.set_type("etcdraft", self.raft()), "attempted to change consensus type from "
                 "solo to etcdraft, but current config ConsensusType.State is not in maintenance "
                 "mode"),
                (self.set_type("etcdraft", self.raft(), MAINTENANCE), "attempted to change "
                 "ConsensusType.Type from solo to etcdraft, but ConsensusType.State is changing "
                 "from STATE_NORMAL to STATE_MAINTENANCE")):
            self.refused(self.changed(edit, *all_of_them), 400, checks + why)
        self.change(self.set_type("solo", state=MAINTENANCE), self.orderers)
        for edit, why in (
                (self.set_type("magic", state=MAINTENANCE), "attempted to change consensus type "
                 "from solo to magic, transition not supported"),
                (self.set_type("etcdraft", b"\xff", MAINTENANCE),
                 "failed to unmarshal etcdraft metadata configuration")):
            self.refused(self.changed(edit, self.orderers), 400, checks + why)

    def test_from_solo_to_one_consenter_of_etcdraft(self):
        channels = ("mychannel", "system-channel")
        self.send("under solo")
        for channel in channels:
            for edit in (self.set_type("solo", state=MAINTENANCE),
                         self.set_type("etcdraft", self.raft(), MAINTENANCE)):
                self.change(edit, self.orderers, channel=channel)
        self.restart()
        for channel in channels:
            self.wait_for_a_leader(channel)
            self.change(self.set_type("etcdraft", self.raft()), self.orderers, channel=channel)
        self.send("under etcdraft")
        self.assertEqual(self.batches(5, 1), [["under etcdraft"]])
        self.restart()
        self.wait_for_a_leader("mychannel")
        self.send("once more")
        self.assertEqual(self.batches(6, 1), [["once more"]])
        blocks, _ = self.orderer.blocks(self.orderers, "mychannel")
        self.assertEqual([channel_type(envelopes(b)[0]) for b in blocks], [1, 0, 1, 1, 1, 0, 0])
        self.assertEqual([raft_index(b) for b in blocks], [0, 0, 0, 0, 0, 4, 6])

    def wait_for_a_leader(self, channel):
        wait_until(lambda: self.orderer.blocks(self.orderers, channel)[1] == 200, 30)


if __name__ == "__main__":
    unittest.main()
