"""From Broadcast to blocks, with a real orderer: channels, configuration, restarts,
kill -9 under load."""

import hashlib
import json
import os
import random
import subprocess
import threading
import time
import unittest

import grpc

import chain_check
import config_change
import wire
from fabric_network import (Broadcast, Deliver, ORDERER, Orderer, channel_creation, channel_type, content,
                            copy_ledger, envelopes, free_port, org, repeated, signed_update)
from harness import BIN, Certificates, Folder, fixture, wait_until
from wire import ALL, NEWEST, at, data, field, replaced

KILLS = int(os.environ.get("WEFT_KILLS", "50"))


def last_config(block):
    """Of slot 0: Metadata { value = OrdererBlockMetadata { LastConfig { index } } }"""
    slot = repeated(field(block, 3), 1)[0]
    return field(field(field(slot, 1, b""), 1, b""), 1, 0)


def raft_index(block):
    slot = repeated(field(block, 3), 1)[0]
    return field(field(field(field(slot, 1), 2), 1), 3)


def anchors(n, signer):
    """The fixtures' update that sets an organisation's anchor peer."""
    made = fixture(f"genesis/Org{n}MSPanchors.tx").read_bytes()
    return signed_update(field(content(made), 1), [signer], "mychannel")


class Base(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.dir = self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)
        self.who = org(1)

    def submit(self, orderer, text, channel="mychannel"):
        return orderer.submit(self.who.message(channel, text.encode()))

    def chain(self, channel="mychannel"):
        return chain_check.read_chain(self.dir / "ledger/chains" / channel)

    def with_channel(self, genesis="solo", **more):
        orderer = Orderer(self.dir, genesis, **more).ready()
        self.addCleanup(orderer.process.stop, 9)
        self.assertEqual(orderer.submit(channel_creation(self.who)), (200, ""))
        return orderer


class Ordering(Base):
    def test_a_message_becomes_a_block_that_a_client_waits_for(self):
        for genesis in ("solo", "etcdraft"):
            with self.subTest(genesis), Folder() as self.dir:
                orderer = self.with_channel(genesis)
                with orderer.connect() as channel:
                    waiting = Deliver(channel)
                    waiting.ask(self.who.seek("mychannel", wire.seek(at(1), at(1))))
                    self.assertEqual(self.submit(orderer, "hello"), (200, ""))
                    (block,), status = waiting.until_status()
                self.assertEqual(status, 200)
                self.assertEqual([content(e) for e in envelopes(block)], [b"hello"])
                self.assertEqual(last_config(block), 0)
                self.assertEqual(orderer.stop(), 0)
                self.assertEqual([len(e) for _, e in self.chain()], [1, 1])
                self.assertEqual([len(e) for _, e in self.chain("system-channel")], [1, 1])

    def test_the_channel_is_known_to_everybody_once_it_is_made(self):
        orderer = self.with_channel()
        for _ in range(20):  # on whatever loop
            self.assertEqual(orderer.blocks(self.who, "mychannel")[1], 200)
        self.assertEqual(orderer.submit(channel_creation(self.who))[0], 400)  # it is there

    def test_a_configuration_update_is_alone_in_its_block_and_takes_effect(self):
        orderer = self.with_channel()
        self.assertEqual(self.submit(orderer, "before"), (200, ""))
        self.assertEqual(orderer.submit(anchors(1, org(1))), (200, ""))
        self.assertEqual(self.submit(orderer, "after"), (200, ""))
        self.assertEqual(orderer.submit(anchors(2, org(1)))[0], 400)  # not theirs to say
        self.assertEqual(orderer.submit(anchors(2, org(2))), (200, ""))
        blocks, status = orderer.blocks(self.who, "mychannel")
        self.assertEqual(status, 200)
        self.assertEqual([channel_type(envelopes(b)[0]) for b in blocks], [1, 0, 1, 0, 1])
        self.assertEqual([last_config(b) for b in blocks[1:]], [0, 2, 2, 4])
        self.assertEqual(orderer.stop(), 0)
        again = Orderer(self.dir, "solo").ready()
        with again:
            self.assertEqual(self.submit(again, "later"), (200, ""))
            wait_until(lambda: len(orderer_blocks(again, self.who)) == 6)
            self.assertEqual(last_config(orderer_blocks(again, self.who)[5]), 4)

    def test_a_stream_may_have_many_more_messages_than_fit_on_the_way(self):
        orderer = self.with_channel()
        many = 3000
        with orderer.connect() as channel:
            stream = Broadcast(channel)
            for i in range(many):
                stream.send(self.who.message("mychannel", f"m{i}".encode()))
            self.assertEqual({stream.read() for _ in range(many)}, {(200, "")})
            stream.done()
            self.assertEqual(list(stream.answers), [])
        self.assertEqual(orderer.stop(), 0)
        ordered = [content(e).decode() for _, all_of_it in self.chain()[1:] for e in all_of_it]
        self.assertEqual(ordered, [f"m{i}" for i in range(many)])

    def test_what_is_pending_when_it_is_told_to_stop_is_in_a_block(self):
        orderer = self.with_channel()
        for i in range(3):
            self.assertEqual(self.submit(orderer, f"m{i}"), (200, ""))
        began = time.monotonic()
        self.assertEqual(orderer.stop(), 0)
        self.assertLess(time.monotonic() - began, 1.0)
        self.assertEqual(len(sum((e for _, e in self.chain()), [])), 1 + 3)

    def test_without_a_journal_a_kill_loses_what_is_pending_as_in_fabric(self):
        for journal, kept in (("true", 2), ("false", 0)):
            with self.subTest(journal), Folder() as self.dir:
                orderer = self.with_channel(env={"ORDERER_WEFT_JOURNAL_ENABLED": journal})
                for i in range(2):
                    self.assertEqual(self.submit(orderer, f"m{i}"), (200, ""))
                orderer.kill()
                with Orderer(self.dir, "solo") as again:
                    self.assertEqual(again.stop(), 0)
                self.assertEqual(len(sum((e for _, e in self.chain()), [])), 1 + kept)

    def test_a_go_orderers_ledger_is_ordered_on(self):
        copy_ledger(self.dir)
        with Orderer(self.dir, "etcdraft") as orderer:
            before = raft_index(orderer.blocks(self.who, "mychannel", NEWEST)[0][0])
            self.assertEqual(self.submit(orderer, "one more"), (200, ""))
            with orderer.connect() as channel:
                waiting = Deliver(channel)
                waiting.ask(self.who.seek("mychannel", wire.seek(at(79), at(79))))
                (block,), _ = waiting.until_status()
            self.assertEqual(content(envelopes(block)[0]), b"one more")
            self.assertEqual(last_config(block), 64)
            self.assertEqual(raft_index(block), before + 2)
            self.assertEqual(orderer.stop(), 0)
        self.assertEqual(len(self.chain()), 80)

    def test_a_channel_of_other_consenters_is_read_only(self):
        copy_ledger(self.dir)
        node = "crypto/peerOrganizations/org1.example.com/peers/peer0.org1.example.com/tls"
        env = {"ORDERER_GENERAL_TLS_CERTIFICATE": str(fixture(f"{node}/server.crt")),
               "ORDERER_GENERAL_TLS_PRIVATEKEY": str(fixture(f"{node}/server.key"))}
        orderer = Orderer(self.dir, "etcdraft", env)
        orderer.tls_ca = fixture(f"{node}/ca.crt").read_bytes()
        with orderer:
            status, info = self.submit(orderer, "no")
            self.assertEqual(status, 503)
            self.assertIn("channel mychannel is not serviced by me", info)
            self.assertEqual(orderer.blocks(self.who, "mychannel"), ([], 503))
            blocks, status = orderer.blocks(self.who, "mychannel", errors=1)
            self.assertEqual((len(blocks), status), (79, 200))


    def test_a_full_disk_stops_it_until_there_is_room_again(self):
        """The disk is full for files that reach a megabyte; the signal that comes with that
        is ignored, so that writes fail as on a full disk."""
        program = ["sh", "-c", 'trap "" XFSZ; exec "$0"', BIN / "orderer"]
        port = free_port()
        orderer = self.with_channel(program=program, env={
            "ORDERER_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{port}"})
        pid = str(orderer.process.popen.pid)
        self.assertEqual(health(port)[0], 200)
        subprocess.run(["prlimit", "--pid", pid, "--fsize=1000000:unlimited"], check=True)
        names = [f"{i} " + "x" * 20000 for i in range(300)]
        with orderer.connect() as channel:
            stream = Broadcast(channel)
            for name in names:
                stream.send(self.who.message("mychannel", name.encode()))
            orderer.process.wait_for("nothing is accepted until it is: .*File too large")
            status, info = self.submit(orderer, "not now")
            self.assertEqual(status, 503)
            self.assertIn("channel mychannel can't write blocks", info)
            status, answer = health(port)
            self.assertEqual((status, answer["failed_checks"]),
                             (503, [{"component": "channels", "reason": info}]))
            answers = []  # some wait for the disk, behind them some that were refused
            reader = threading.Thread(target=lambda: answers.extend(stream.answers), daemon=True)
            reader.start()
            self.assertEqual(orderer.blocks(self.who, "mychannel")[1], 200)  # served all the same
            subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:unlimited"], check=True)
            wait_until(lambda: self.submit(orderer, "now")[0] == 200)
            self.assertEqual(health(port)[0], 200)
            stream.done()
            reader.join(20)
        acknowledged = [n for n, a in zip(names, answers) if field(a, 1) == 200]
        self.assertEqual(orderer.stop(), 0)
        found = [content(e).decode() for _, all_of_it in self.chain()[1:] for e in all_of_it]
        self.assertGreater(len(acknowledged), 10)
        self.assertEqual([name[:4] for name in acknowledged if found.count(name) != 1], [])
        self.assertEqual((found.count("now"), found.count("not now")), (1, 0))


    def test_what_cannot_be_kept_is_not_acknowledged(self):
        program = ["sh", "-c", 'trap "" XFSZ; exec "$0"', BIN / "orderer"]
        orderer = self.with_channel(program=program)
        pid = str(orderer.process.popen.pid)
        subprocess.run(["prlimit", "--pid", pid, "--fsize=100000:unlimited"], check=True)
        status, info = self.submit(orderer, "no room in the journal")
        self.assertEqual(status, 503)
        self.assertIn("journal: can't write", info)
        subprocess.run(["prlimit", "--pid", pid, "--fsize=unlimited:unlimited"], check=True)
        self.assertEqual(self.submit(orderer, "now there is"), (200, ""))
        orderer.kill()
        with Orderer(self.dir, "solo") as again:
            self.assertEqual(again.stop(), 0)
        self.assertEqual([content(e) for e in self.chain()[1][1]], [b"now there is"])

    def test_clients_of_the_channels_organisations_are_let_in_by_their_certificates(self):
        env = {"ORDERER_GENERAL_TLS_CLIENTAUTHREQUIRED": "true",
               "ORDERER_GENERAL_TLS_CLIENTROOTCAS": f"[{fixture(ORDERER + '/tls/ca.crt')}]"}
        user = "crypto/peerOrganizations/org1.example.com/users/Admin@org1.example.com/tls"
        cert, key = (fixture(f"{user}/client.{end}").read_bytes() for end in ("crt", "key"))
        strange = Certificates(self.dir / "tls").make("stranger")
        with Orderer(self.dir, "solo", env) as orderer:
            for cert, key, good in ((cert, key, True), (*(p.read_bytes() for p in strange), False)):
                credentials = grpc.ssl_channel_credentials(orderer.tls_ca, key, cert)
                with grpc.secure_channel(orderer.address, credentials) as channel:
                    stream = Broadcast(channel)
                    stream.send(self.who.message("nochannel", b""))
                    if good:
                        self.assertEqual(stream.read()[0], 404)
                    else:
                        self.assertRaises(grpc.RpcError, stream.read)


def health(port):
    """(status, answer) of /healthz"""
    done = subprocess.run(["curl", "-s", "-w", "\n%{http_code}", f"http://127.0.0.1:{port}/healthz"],
                          capture_output=True, text=True, check=True, timeout=20)
    body, _, status = done.stdout.rpartition("\n")
    return int(status), json.loads(body)


def orderer_blocks(orderer, who):
    return orderer.blocks(who, "mychannel")[0]


class Starting(Base):
    """Bad beginnings: one clear line, and an exit status at once."""

    def refused(self, words, status, genesis="solo", **env):
        orderer = Orderer(self.dir, genesis, env)
        orderer.process.wait_for(words)
        self.assertEqual(orderer.process.popen.wait(10), status)
        orderer.process.stop()

    def test_bad_genesis_blocks(self):
        bad = self.dir / "bad.block"
        bad.write_bytes(b"\x0a\xff")
        self.refused("unable to bootstrap orderer. Error reading genesis block file", 2,
                     ORDERER_GENERAL_BOOTSTRAPFILE=str(self.dir / "absent"))
        self.refused("unable to bootstrap orderer. Error unmarshalling genesis block", 2,
                     ORDERER_GENERAL_BOOTSTRAPFILE=str(bad))
        self.refused("Failed validating bootstrap block: the block isn't a system channel block "
                     "because it lacks ConsortiumsConfig", 2,
                     ORDERER_GENERAL_BOOTSTRAPFILE=str(fixture("genesis/mychannel.block")))

    def test_a_path_that_leads_nowhere_is_named_with_its_key(self):
        for key, status, more in (("General.BootstrapFile", 2, {}), ("General.LocalMSPDir", 2, {}),
                                  ("General.TLS.Certificate", 1, {}),
                                  ("General.TLS.PrivateKey", 1, {}),
                                  ("General.TLS.ClientRootCAs", 1,
                                   {"ORDERER_GENERAL_TLS_CLIENTAUTHREQUIRED": "true"})):
            with self.subTest(key):
                more["ORDERER_" + key.replace(".", "_").upper()] = "/nowhere/x"
                self.refused(r"/nowhere/x.*\(%s in \S+orderer.yaml or the environment: want "
                             "(a good path|good paths)\\)" % key, status, **more)

    def test_keys_from_elsewhere_are_refused(self):
        self.refused(r"could not initialize BCCSP Factories: Could not find default `PKCS11` BCCSP "
                     r"\(General.BCCSP.Default: want SW\)", 2, ORDERER_GENERAL_BCCSP_DEFAULT="PKCS11")

    def test_other_reasons(self):
        self.refused("Unknown bootstrap method: magic", 2,
                     ORDERER_GENERAL_BOOTSTRAPMETHOD="magic")
        self.refused("Failed to get local msp config", 2,
                     ORDERER_GENERAL_LOCALMSPDIR=str(self.dir / "nomsp"))
        self.refused("Failed to load server Certificate file", 1,
                     ORDERER_GENERAL_TLS_CERTIFICATE=str(self.dir / "nocert"))
        self.refused("TLS is required for running ordering nodes of cluster type", 2,
                     genesis="etcdraft", ORDERER_GENERAL_TLS_ENABLED="false")
        self.refused("should be defined altogether", 2, genesis="etcdraft",
                     ORDERER_GENERAL_CLUSTER_LISTENPORT="9999")

    def test_a_port_in_use(self):
        port = free_port()
        with Orderer(self.dir, "solo", port=port), Folder() as other:
            second = Orderer(other, "solo", port=port)
            second.process.wait_for("Failed to listen")
            self.assertEqual(second.process.popen.wait(10), 1)
            second.process.stop()


class Participation(Base):
    """An orderer without a system channel, told by HTTP what to join."""

    def rest(self, orderer, path="", method="GET", file=None):
        args = ["curl", "-s", "-X", method, "-w", "\n%{http_code}",
                f"http://127.0.0.1:{self.port}/participation/v1/channels{path}"]
        if file:
            args += ["-F", f"config-block=@{file}"]
        body, _, status = subprocess.run(args, capture_output=True, text=True, check=True,
                                         timeout=20).stdout.rpartition("\n")
        return int(status), json.loads(body) if body.strip() else None

    def orderer(self, genesis=None):
        self.port = free_port()
        return Orderer(self.dir, genesis, {
            "ORDERER_CHANNELPARTICIPATION_ENABLED": "true",
            "ORDERER_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{self.port}"})

    def test_a_channel_is_joined_used_and_removed(self):
        block = fixture("genesis/mychannel.block")
        with self.orderer() as orderer:
            self.assertEqual(self.rest(orderer), (200, {"systemChannel": None, "channels": None}))
            self.assertEqual(self.submit(orderer, "no")[0], 400)
            status, info = self.rest(orderer, method="POST", file=block)
            self.assertEqual((status, info["name"], info["height"]), (201, "mychannel", 1))
            self.assertEqual(info["status"], "active")
            self.assertEqual(self.rest(orderer, method="POST", file=block)[0], 405)
            self.assertEqual(self.submit(orderer, "yes"), (200, ""))
            self.assertEqual(orderer.stop(), 0)
        self.assertEqual(len(list(self.dir.glob("*/mychannel"))), 2)  # for a Go orderer
        with self.orderer() as orderer:
            status, info = self.rest(orderer, "/mychannel")
            self.assertEqual((status, info["height"]), (200, 2))
            with orderer.connect() as channel:
                waiting = Deliver(channel)
                waiting.ask(self.who.seek("mychannel", wire.seek(at(1), at(2))))
                self.assertEqual(waiting.read()[1], 1)  # it waits for block 2 now
                self.assertEqual(self.rest(orderer, "/mychannel", "DELETE")[0], 204)
                blocks, status = waiting.until_status()
                self.assertEqual((blocks, status), ([], 503))
            self.assertEqual(self.rest(orderer, "/mychannel")[0], 404)
            self.assertEqual(orderer.blocks(self.who, "mychannel")[1], 404)
            self.assertFalse((self.dir / "ledger/chains/mychannel").exists())
            self.assertEqual(list(self.dir.glob("*/mychannel")), [])  # of Raft's files, too
            self.assertEqual(self.rest(orderer, method="POST", file=block)[0], 201)
            self.assertEqual(orderer.stop(), 0)
        self.assertEqual(len(self.chain()), 1)

    def without_options(self, block):
        """Block 0 of a channel whose ConfigMetadata lacks its options: { 2 data { 1 Envelope {
        1 Payload { 2 ConfigEnvelope { 1 Config { 2 group }}}}}}"""
        root = config_change.config_of(block)
        kind = root.at("Orderer").values["ConsensusType"]
        kind.content = replaced(kind.content, 2, data(1, field(field(kind.content, 2), 1)))
        envelope = field(field(block, 2), 1)
        payload = field(envelope, 1)
        made = replaced(field(payload, 2), 1,
                        replaced(field(field(payload, 2), 1), 2, root.encode()))
        envelope = replaced(envelope, 1, replaced(payload, 2, made))
        return (data(1, data(3, hashlib.sha256(envelope).digest())) + data(2, data(1, envelope)) +
                data(3, field(block, 3)))

    def test_a_channel_that_cannot_be_ordered_leaves_nothing_behind(self):
        bad = self.dir / "bad.block"
        bad.write_bytes(self.without_options(fixture("genesis/mychannel.block").read_bytes()))
        with self.orderer() as orderer:
            status, answer = self.rest(orderer, method="POST", file=bad)
            self.assertEqual(status, 400)
            self.assertIn("etcdraft options have not been provided", answer["error"])
            self.assertEqual(self.rest(orderer)[1]["channels"], None)
            self.assertEqual(orderer.stop(), 0)
        with self.orderer() as orderer:
            self.assertEqual(self.rest(orderer)[1]["channels"], None)
            self.assertEqual(self.rest(orderer, method="POST",
                                       file=fixture("genesis/mychannel.block"))[0], 201)

    def test_with_a_system_channel_nothing_is_joined(self):
        with self.orderer("etcdraft") as orderer:
            self.assertEqual(self.rest(orderer, method="POST",
                                       file=fixture("genesis/mychannel.block"))[0], 405)
            _, channels = self.rest(orderer)
            self.assertEqual(channels["systemChannel"]["name"], "system-channel")


class KilledUnderLoad(Base):
    """Clients note what was acknowledged; the orderer is killed again and again; then the
    chain is held against the notes by chain_check, which knows nothing of the orderer."""

    STREAMS = 3

    def load(self, orderer, name, acknowledged, stop):
        return [threading.Thread(target=stream_load, args=(orderer, self.who, f"{name}.{i}",
                                                           acknowledged, stop))
                for i in range(self.STREAMS)]

    def check(self, acknowledged):
        found = {}
        for number, all_of_it in self.chain():
            for envelope in all_of_it:
                found.setdefault(content(envelope), []).append(number)
        twice = {name: where for name, where in found.items() if len(where) > 1}
        lost = [name for name in acknowledged if name not in found]
        print(f"{len(acknowledged)} acknowledged, {len(found)} in {len(self.chain())} blocks")
        self.assertEqual(twice, {})
        self.assertEqual(lost, [])

    def test_configurations_change_while_messages_come_and_go(self):
        orderer = self.with_channel("etcdraft")
        acknowledged, stop = [], threading.Event()
        threads = self.load(orderer, "c", acknowledged, stop)
        for t in threads:
            t.start()
        with orderer.connect() as channel:
            waiting = [Deliver(channel) for _ in range(20)]
            for w in waiting:
                w.ask(self.who.seek("mychannel", wire.seek(at(1), at(ALL))))
            for n in (1, 2):
                before = len(acknowledged)
                wait_until(lambda: len(acknowledged) > before + 50)
                self.assertEqual(orderer.submit(anchors(n, org(n))), (200, ""))
            before = len(acknowledged)
            wait_until(lambda: len(acknowledged) > before + 50)
            stop.set()
            for t in threads:
                t.join()
            last = orderer_blocks(orderer, self.who)
            configs = [i for i, b in enumerate(last) if channel_type(envelopes(b)[0]) == 1]
            for w in waiting:
                for i in range(1, configs[-1] + 1):
                    self.assertEqual(w.read()[1], i)
        self.assertEqual(len(configs), 3)
        self.assertEqual(orderer.stop(), 0)
        self.check(acknowledged)

    def test_every_acknowledged_message_is_in_exactly_one_block(self):
        orderer = self.with_channel("etcdraft")
        acknowledged, stop = [], threading.Event()
        for kill in range(KILLS):
            threads = self.load(orderer, kill, acknowledged, stop)
            for t in threads:
                t.start()
            enough = len(acknowledged) + random.randint(0, 60)
            wait_until(lambda: len(acknowledged) > enough)
            time.sleep(random.random() / 50)
            orderer.kill()
            for t in threads:
                t.join()
            orderer = Orderer(self.dir, "etcdraft").ready()
            self.addCleanup(orderer.process.stop, 9)
        self.assertEqual(orderer.stop(), 0)
        self.check(acknowledged)


def stream_load(orderer, who, name, acknowledged, stop):
    """One stream, a few messages on their way at a time, until it breaks or is stopped."""
    sent = answered = 0
    try:
        with orderer.connect() as channel:
            stream = Broadcast(channel)
            while answered < sent or not stop.is_set():
                while sent < answered + 4 and not stop.is_set():
                    stream.send(who.message("mychannel", f"{name} {sent}".encode()))
                    sent += 1
                if answered == sent or stream.read()[0] != 200:
                    return
                acknowledged.append(f"{name} {answered}".encode())  # atomic in Python
                answered += 1
    except (grpc.RpcError, StopIteration):
        pass


if __name__ == "__main__":
    unittest.main()
