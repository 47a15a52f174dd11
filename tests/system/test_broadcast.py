"""Broadcast: what is refused, with which status and in which words.  The original gives
the same answers (see PROGRAM in fabric_network)."""

import unittest

import fabric_network as net
import wire
from fabric_network import CONFIG, CONFIG_UPDATE, MESSAGE, Broadcast, Orderer
from harness import Folder, fixture
from wire import data, field

ORDERER_TRANSACTION = 4
FILTER = "could not determine channel ID: "
CREATION = "error validating channel creation transaction for new channel "


def header(channel, kind, *, whole=None):
    return data(1, whole if whole is not None else wire.channel_header(channel, kind=kind))


def unsigned(channel, kind, content=b"x"):
    """Without creator and signature."""
    return data(1, data(1, header(channel, kind)) + data(2, content))


def update_of(envelope):
    return field(net.content(envelope), 1)


def set_field(message, number, value):
    """The message with this field in place of what it had of it."""
    return b"".join(data(n, v) if isinstance(v, bytes) else wire.number(n, v)
                    for n, v in wire.fields(message) if n != number) + value


class Refusals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.orderer = Orderer(cls.folder.__enter__(), "solo").ready()
        cls.user, cls.admin = net.org(1, "User1"), net.org(1)
        status = cls.orderer.submit(net.channel_creation(cls.admin))
        assert status == (200, ""), status
        cls.creation = update_of(fixture("genesis/mychannel.tx").read_bytes())

    @classmethod
    def tearDownClass(cls):
        cls.orderer.kill()
        cls.folder.__exit__(None, None, None)

    def expect(self, envelope, status, words):
        got = self.orderer.submit(envelope)
        self.assertEqual(got[0], status, got)
        self.assertIn(words, got[1])
        if status == 200:
            self.assertEqual(got[1], "")

    def create(self, update, channel="newchannel", signer=None):
        return net.signed_update(update, [signer or self.admin], channel)

    # ---- before a channel is known --------------------------------------------------

    def test_what_has_no_channel(self):
        for envelope, words in (
                (b"", FILTER + "header not set"),
                (data(1, b"\xff\xff\xff"), FILTER + "error unmarshaling Payload: "),
                (data(1, data(2, b"no header")), FILTER + "header not set"),
                (data(1, data(1, data(2, b"signature header only"))),
                 FILTER + "channel header not set"),
                (data(1, data(1, data(1, b"\xff\xff\xff"))),
                 FILTER + "error unmarshaling channel header: ")):
            self.expect(envelope, 400, words)

    def test_types_that_clients_may_not_send(self):
        for kind in (CONFIG, ORDERER_TRANSACTION):
            for channel in ("mychannel", "system-channel", "unknown"):
                self.expect(self.user.message(channel, b"x", kind=kind), 400,
                            "message is of type that cannot be processed directly")

    def test_a_channel_that_is_not_there(self):
        self.expect(self.user.message("unknown", b"x"), 404, "channel does not exist")

    # ---- filters ----------------------------------------------------------------------

    def test_who_may_not_write(self):
        writers = ("implicit policy evaluation failed - 0 sub-policies were satisfied, but this "
                   "policy requires 1 of the 'Writers' sub-policies to be satisfied: permission "
                   "denied")
        good = self.user.message("mychannel", b"x")
        payload = field(good, 1)
        spoilt = data(1, payload) + data(2, self.user.sign(b"something else"))
        self.expect(unsigned("mychannel", MESSAGE), 403, writers)
        self.expect(spoilt, 403, writers)
        self.expect(data(1, payload), 403, writers)
        self.expect(self.user.message("system-channel", b"x"), 403, writers)

    def test_a_certificate_that_has_ended(self):
        late = net.until(1, -60)
        self.expect(late.message("mychannel", b"x"), 400, "broadcast client identity expired")
        self.expect(late.message("mychannel", b"x", kind=CONFIG_UPDATE), 400, "config update for "
                    "existing channel did not pass initial checks: broadcast client identity "
                    "expired")
        self.expect(net.until(1, 600).message("mychannel", b"x"), 200, "")

    def test_a_message_that_is_too_large(self):
        self.expect(self.user.message("mychannel", b"x" * (99 << 20)), 400,
                    f"bytes and exceeds maximum allowed {99 << 20} bytes")

    def test_types_and_times_do_not_matter(self):
        for kind in (MESSAGE, 3, 5, 99):
            self.expect(self.user.message("mychannel", b"x", kind=kind), 200, "")
        old = data(1, header("", 0, whole=wire.channel_header("mychannel", timestamp=1)))
        payload = data(1, field(old, 1) + data(2, self.user.signature_header())) + data(2, b"x")
        self.expect(data(1, payload) + data(2, self.user.sign(payload)), 200, "")

    # ---- updates of a channel ------------------------------------------------------------

    def update(self, update, signers, channel="mychannel"):
        return net.signed_update(update, signers, channel)

    def test_updates_that_do_not_fit(self):
        applying = "error applying config update to existing channel 'mychannel': "
        anchors = update_of(fixture("genesis/Org1MSPanchors.tx").read_bytes())
        authorizing = applying + "error authorizing update: "
        for signer in (self.user, net.org(2), net.orderer_admin()):
            self.expect(self.update(anchors, [signer]), 400,
                        authorizing + "error validating DeltaSet: policy for [Group]  "
                        "/Channel/Application/Org1MSP not satisfied: signature set did not satisfy "
                        "policy")
        self.expect(self.update(set_field(anchors, 1, data(1, "another")), [self.admin]), 400,
                    authorizing + "ConfigUpdate for channel 'another' but envelope for channel "
                    "'mychannel'")
        self.expect(self.update(set_field(anchors, 3, data(3, field(anchors, 2))), [self.admin]),
                    400, authorizing + "error validating DeltaSet: delta set was empty -- update "
                    "would have no effect")
        self.expect(self.admin.message("mychannel", b"\xff\xff", kind=CONFIG_UPDATE), 400,
                    applying + "error converting envelope to config update: ")
        self.expect(unsigned("mychannel", CONFIG_UPDATE), 403,
                    "config update for existing channel did not pass initial checks: ")

    def test_a_stale_update(self):
        admin = net.org(2)
        anchors = update_of(fixture("genesis/Org2MSPanchors.tx").read_bytes())
        self.expect(self.update(anchors, [admin]), 200, "")
        self.expect(self.update(anchors, [admin]), 400, "error validating ReadSet: proposed "
                    "update requires that key [Group]  /Channel/Application/Org2MSP be at version "
                    "0, but it is currently at version 1")

    # ---- creating channels ------------------------------------------------------------------

    def test_creations_that_do_not_fit(self):
        update = set_field(self.creation, 1, data(1, "newchannel"))
        write = field(update, 3)
        without_consortium = set_field(write, 2 + 1, b"")
        for changed, words in (
                (set_field(update, 1, data(1, "elsewhere")),
                 "Failing initial channel config creation: mismatched channel IDs: 'elsewhere' != "
                 "'newchannel'"),
                (set_field(update, 3, b""), "Config update has an empty writeset"),
                (set_field(update, 3, data(3, set_field(write, 2, b""))),
                 "Config update has missing application group"),
                (set_field(update, 3, data(3, without_consortium)),
                 "Consortium config value missing"),
                (set_field(update, 3, data(3, without_consortium + data(3, data(1, "Consortium") +
                 data(2, data(2, data(1, "Nobody")))))), "Unknown consortium name: Nobody")):
            self.expect(self.create(changed), 400, words)
        self.expect(self.create(set_field(self.creation, 1, data(1, "Big")), "Big"), 400,
                    "initializing configtx manager failed: bad channel ID: 'Big' contains illegal "
                    "characters")

    def test_creations_that_nobody_allows(self):
        update = set_field(self.creation, 1, data(1, "newchannel"))
        self.expect(self.create(update, signer=self.user), 400, CREATION)
        self.expect(self.create(update, signer=net.orderer_admin()), 400, CREATION)
        self.expect(self.admin.message("newchannel", data(1, update), kind=CONFIG_UPDATE), 400,
                    CREATION + "'newchannel', could not successfully apply update to template "
                    "configuration: error authorizing update: error validating DeltaSet: policy "
                    "for [Group]  /Channel/Application not satisfied: implicit policy evaluation "
                    "failed - 0 sub-policies were satisfied, but this policy requires 1 of the "
                    "'Admins' sub-policies to be satisfied")

    # ---- the stream -----------------------------------------------------------------------------

    def test_answers_come_in_order_and_the_first_refusal_is_the_last(self):
        with self.orderer.connect() as channel:
            stream = Broadcast(channel)
            for n in range(20):
                stream.send(self.user.message("mychannel", b"%d" % n))
            stream.send(self.user.message("unknown", b"x"))
            stream.send(self.user.message("mychannel", b"never"))
            self.assertEqual([stream.read()[0] for _ in range(21)], [200] * 20 + [404])
            self.assertRaises(StopIteration, stream.read)

    def test_a_client_that_ends_gets_its_answers_first(self):
        with self.orderer.connect() as channel:
            stream = Broadcast(channel)
            for n in range(100):
                stream.send(self.user.message("mychannel", b"last %d" % n))
            stream.done()
            self.assertEqual([stream.read()[0] for _ in range(100)], [200] * 100)
            self.assertRaises(StopIteration, stream.read)


class WithoutASystemChannel(unittest.TestCase):
    def test_nothing_is_created(self):
        with Folder() as folder, Orderer(folder, None) as orderer:
            for kind in (MESSAGE, CONFIG_UPDATE, CONFIG):
                status, info = orderer.submit(net.org(1).message("mychannel", b"x", kind=kind))
                self.assertEqual((status, info), (400, "channel creation request not allowed "
                                                  "because the orderer system channel is not "
                                                  "defined"))


if __name__ == "__main__":
    unittest.main()
