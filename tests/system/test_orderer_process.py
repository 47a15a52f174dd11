"""The orderer as its operator sees it: its commands, its operations endpoint, its traces.
The original gives the same answers (see PROGRAM in fabric_network)."""

import json
import os
import pathlib
import re
import subprocess
import unittest
import urllib.request

import wire
from fabric_network import (CONFIG_PATH, PROGRAM, Deliver, Orderer, channel_creation, free_port,
                            orderer_admin, orderer_tls_pair, org)
from harness import Folder, wait_until
from wire import NEWEST, OLDEST, at


def read_metrics(text):
    """{name: {(label values in the order of their names): value}}"""
    found = {}
    for line in text.splitlines():
        match = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if match and not line.startswith("#"):
            labels = sorted(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', match[2] or ""))
            key = tuple(value for name, value in labels if name != "le")
            found.setdefault(match[1], {}).setdefault(key, float(match[3]))
    return found


class Base(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.dir = folder.__enter__()
        self.addCleanup(folder.__exit__)
        self.who = org(1)

    def start(self, genesis="solo", **env):
        self.operations = free_port()
        orderer = Orderer(self.dir, genesis, {
            "ORDERER_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{self.operations}",
            "ORDERER_METRICS_PROVIDER": "prometheus", **env}).ready()
        self.addCleanup(orderer.process.stop, 9)
        return orderer

    def get(self, path, data=None, method=None):
        """(status, body); a request with data is a PUT."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.operations}{path}", data,
                                         method=method or ("PUT" if data else "GET"))
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def metrics(self):
        return read_metrics(self.get("/metrics")[1])


class Commands(Base):
    def run_it(self, *args):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("ORDERER_", "FABRIC_"))}
        return subprocess.run([PROGRAM, *args], env=env | {"FABRIC_CFG_PATH": str(CONFIG_PATH)},
                              cwd=self.dir, capture_output=True, text=True, timeout=20, check=False)

    def test_version(self):
        done = self.run_it("version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"(?m)^orderer:\n Version: \d+\.\d+\.\d+$")

    def test_what_it_does_not_know(self):
        for args in (["stop"], ["start", "now"]):
            done = self.run_it(*args)
            self.assertEqual(done.returncode, 1, args)
            self.assertIn(f"orderer: error: unexpected {args[-1]}, try --help", done.stderr)

    def test_start_is_what_no_command_is(self):
        for args in ([], ["start"]):
            with self.subTest(args), Orderer(self.dir, "solo", program=[PROGRAM, *args]) as orderer:
                self.assertEqual(orderer.stop(), 0)

    def test_nothing_is_written_to_the_working_folder(self):
        self.run_it()  # fails: there is no genesis block
        self.assertEqual(list(self.dir.iterdir()), [])

    def test_a_ledger_without_a_place_lies_beside_the_configuration(self):
        sample = (pathlib.Path(CONFIG_PATH) / "orderer.yaml").read_text()
        text, times = re.subn(r"(?m)^    Location:.*$", "    Location:", sample)
        self.assertEqual(times, 1)
        (self.dir / "orderer.yaml").write_text(text)
        orderer = self.start(FABRIC_CFG_PATH=str(self.dir), ORDERER_FILELEDGER_LOCATION="")
        self.assertEqual(orderer.stop(), 0)
        first = self.dir / "chains/system-channel/blockfile_000000"
        self.assertGreater(first.stat().st_size, 0)

    def test_a_report_for_each_sigusr1(self):
        orderer = self.start()
        for n in (1, 2):
            orderer.process.popen.send_signal(10)
            wait_until(lambda: orderer.process.log().count("Go routines report") == n)
        self.assertEqual(orderer.process.log().count("Received signal: "), 2)
        self.assertEqual(orderer.stop(), 0)


class Operations(Base):
    def test_what_it_counts(self):
        orderer = self.start("etcdraft")
        wait_until(lambda: orderer.submit(channel_creation(self.who))[0] == 200, 40)
        wait_until(lambda: orderer.submit(self.who.message("mychannel", b"1"))[0] == 200, 40)
        self.wait_for_block(orderer, 1)
        before = self.metrics()
        self.assertEqual(orderer.submit(self.who.message("mychannel", b"2")), (200, ""))
        self.wait_for_block(orderer, 2)
        self.assertEqual(orderer.submit(self.who.message("system-channel", b""))[0], 403)
        self.assertEqual(orderer.blocks(self.who, "mychannel")[1], 200)
        self.assertEqual(orderer.blocks(self.who, "nochannel")[1], 404)
        # the end of a call is seen by the client first
        wait_until(lambda: self.grown(before, "deliver_streams_closed") == 3)
        for name, labels, value in (
                ("broadcast_processed_count", ("mychannel", "SUCCESS", "MESSAGE"), 1),
                ("broadcast_processed_count", ("system-channel", "FORBIDDEN", "MESSAGE"), 1),
                ("broadcast_validate_duration_count", ("mychannel", "SUCCESS", "MESSAGE"), 1),
                ("broadcast_enqueue_duration_count", ("mychannel", "SUCCESS", "MESSAGE"), 1),
                ("broadcast_enqueue_duration_count", ("system-channel", "FORBIDDEN", "MESSAGE"), 0),
                ("blockcutter_block_fill_duration_count", ("mychannel",), 1),
                ("ledger_blockchain_height", ("mychannel",), 1),
                ("ledger_blockchain_height", ("system-channel",), 0),
                ("ledger_blockstorage_commit_time_count", ("mychannel",), 1),
                ("deliver_requests_received", ("mychannel", "block", "false"), 2),
                ("deliver_requests_completed", ("mychannel", "block", "false", "true"), 2),
                ("deliver_blocks_sent", ("mychannel", "block", "false"), 1 + 3),
                ("deliver_streams_opened", (), 3),
                ("deliver_streams_closed", (), 3),
                ("consensus_etcdraft_committed_block_number", ("mychannel",), 1),
                ("consensus_etcdraft_normal_proposals_received", ("mychannel",), 1),
                ("consensus_etcdraft_config_proposals_received", ("mychannel",), 0),
                ("grpc_server_stream_requests_received", ("Broadcast", "orderer_AtomicBroadcast"), 2),
                ("grpc_server_stream_messages_received", ("Deliver", "orderer_AtomicBroadcast"), 3),
                ("grpc_server_stream_messages_sent", ("Deliver", "orderer_AtomicBroadcast"), 7),
                ("grpc_server_stream_request_duration_count",
                 ("OK", "Broadcast", "orderer_AtomicBroadcast"), 1)):
            with self.subTest(name=name, labels=labels):
                self.assertEqual(self.grown(before, name, *labels), value)
        now = self.metrics()
        for name in ("cluster_size", "is_leader", "active_nodes", "leader_changes"):
            self.assertIn(("mychannel",), now[f"consensus_etcdraft_{name}"])
        self.assertEqual(list(now["fabric_version"].values()), [1])
        self.assertGreater(now["grpc_comm_conn_opened"][()], now["grpc_comm_conn_closed"][()] - 1)
        for kind in ("checked", "written"):
            self.assertGreater(now[f"logging_entries_{kind}"][("info",)], 5)

    @unittest.skipIf("WEFT_ORDERER" in os.environ, "the original counts each name")
    def test_names_that_are_made_up_are_not_counted_one_by_one(self):
        orderer = self.start()
        for n in range(3):
            self.assertEqual(orderer.submit(self.who.message(f"nochannel{n}", b""))[0], 404)
            self.assertEqual(orderer.submit(self.who.message("system-channel", b"", kind=99 + n))[0],
                             403)
        self.assertEqual(self.metrics()["broadcast_processed_count"],
                         {("unknown", "NOT_FOUND", "unknown"): 3,
                          ("unknown", "FORBIDDEN", "unknown"): 3})

    def wait_for_block(self, orderer, n):
        with orderer.connect() as channel:
            stream = Deliver(channel)
            stream.ask(self.who.seek("mychannel", wire.seek(at(n), at(n))))
            self.assertEqual(stream.until_status()[1], 200)
        # it is counted when clients may have it already
        wait_until(lambda: self.metrics()["ledger_blockchain_height"][("mychannel",)] == n + 1)

    def grown(self, before, name, *labels):
        return (self.metrics().get(name, {}).get(labels, 0) -
                before.get(name, {}).get(labels, 0))

    def test_how_it_is_and_what_it_logs(self):
        orderer = self.start()
        status, body = self.get("/healthz")
        self.assertEqual((status, json.loads(body)["status"]), (200, "OK"))
        self.assertRegex(json.loads(self.get("/version")[1])["Version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(json.loads(self.get("/logspec")[1]), {"spec": "info"})
        self.assertNotIn("Starting new deliver loop", orderer.process.log())
        self.assertEqual(self.get("/logspec", b'{"spec":"common.deliver=debug:info"}')[0], 204)
        orderer.blocks(self.who, "nochannel")
        orderer.process.wait_for("Starting new deliver loop")
        self.assertEqual(self.get("/logspec", b'{"spec":"="}')[0], 400)

    def test_certificates_that_end_soon_are_told(self):
        cert, key = orderer_tls_pair(self.dir, "soon", days=2.5)
        orderer = self.start(ORDERER_GENERAL_TLS_CERTIFICATE=str(cert),
                             ORDERER_GENERAL_TLS_PRIVATEKEY=str(key))
        orderer.process.wait_for(r"The enrollment certificate will expire on \d{4}-\d\d-\d\d ")
        orderer.process.wait_for(r"The server TLS certificate expires within 2 days and 1\d hours")

    def test_requests_are_traced_into_folders(self):
        folders = {name: self.dir / name for name in ("Broadcast", "Deliver")}
        for folder in folders.values():
            folder.mkdir()
        orderer = self.start(ORDERER_DEBUG_BROADCASTTRACEDIR=str(folders["Broadcast"]),
                             ORDERER_DEBUG_DELIVERTRACEDIR=str(folders["Deliver"]))
        sent = {"Broadcast": self.who.message("nochannel", b"x"),
                "Deliver": orderer_admin().seek("system-channel", wire.seek(OLDEST, NEWEST))}
        self.assertEqual(orderer.submit(sent["Broadcast"])[0], 404)
        with orderer.connect() as channel:
            stream = Deliver(channel)
            stream.ask(sent["Deliver"])
            self.assertEqual(stream.until_status()[1], 200)
        for name, folder in folders.items():
            (path,) = folder.iterdir()
            self.assertRegex(path.name, rf"^\d+_0x[0-9a-f]+\.{name}$")
            self.assertEqual(path.read_bytes(), sent[name])


if __name__ == "__main__":
    unittest.main()
