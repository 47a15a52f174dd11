"""What dashboards and scripts look for: the series of /metrics, and lines in the log, at the start,
at a join, after some blocks, at the end.  They are the original's: where

    WEFT_ORIGINAL=FOLDER          with its orderer and peer
    WEFT_ORIGINAL_CFG=FOLDER      with its core.yaml and orderer.yaml

say where it is, the same story is told of it."""

import os
import pathlib
import re
import time
import unittest
import urllib.request

from harness import BIN, Folder, wait_until
from made_network import CHANNEL, MadeNetwork

ORIGINAL = os.environ.get("WEFT_ORIGINAL")
PROGRAMS = pathlib.Path(ORIGINAL) if ORIGINAL else BIN
CONFIG = {"FABRIC_CFG_PATH": os.environ["WEFT_ORIGINAL_CFG"]} if ORIGINAL else {}

# Of libraries that we don't have, and what a connection more or less changes.
NOT_HELD = re.compile(r"(go_|process_|promhttp_|etcd_|fabric_version|grpc_|deliver_|logging_|"
                      r"endorser_)")


def per_channel(names, *channels):
    return {f'{name}{{channel="{channel}"}}' for name in names.split() for channel in channels}


def histograms(names, *channels):
    return per_channel(" ".join(f"{n}_count {n}_sum" for n in names.split()), *channels)


def of_orderer(*channels):
    etcdraft = ("active_nodes cluster_size committed_block_number is_leader leader_changes "
                "snapshot_block_number data_persist_duration_count data_persist_duration_sum")
    return (per_channel(" ".join(f"consensus_etcdraft_{n}" for n in etcdraft.split()) +
                        " ledger_blockchain_height", *channels) |
            histograms("ledger_blockstorage_commit_time", *channels))


def valid(kind, chaincode):
    return (f'ledger_transaction_count{{chaincode="{chaincode}",channel="{CHANNEL}",'
            f'transaction_type="{kind}",validation_code="VALID"}}')


LEDGER = ("ledger_block_processing_time ledger_blockstorage_and_pvtdata_commit_time "
          "ledger_blockstorage_commit_time ledger_statedb_commit_time")
JOINED = (per_channel("ledger_blockchain_height", CHANNEL) | histograms(LEDGER, CHANNEL) |
          {valid("CONFIG", "unknown")})
GOSSIP = per_channel("gossip_membership_total_peers_known gossip_payload_buffer_size "
                     "gossip_state_height", CHANNEL)
COMMITTED = histograms(" ".join(f"gossip_privdata_{n}_duration" for n in (
    "commit_block", "fetch", "list_missing", "purge", "validation")) +
    " gossip_state_commit_duration", CHANNEL)


class Words(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.net = MadeNetwork(folder.__enter__())
        self.addCleanup(folder.__exit__)
        log = {"FABRIC_LOGGING_FORMAT": "%{level} [%{module}] %{message}"}
        tls = self.net.orderer_node() / "tls"
        orderer = self.net.start_orderer(
            PROGRAMS / "orderer", **CONFIG, **log, ORDERER_METRICS_PROVIDER="prometheus",
            ORDERER_GENERAL_CLUSTER_CLIENTCERTIFICATE=str(tls / "server.crt"),
            ORDERER_GENERAL_CLUSTER_CLIENTPRIVATEKEY=str(tls / "server.key"),
            ORDERER_GENERAL_CLUSTER_ROOTCAS=f"[{tls / 'ca.crt'}]",
            ORDERER_ADMIN_LISTENADDRESS="127.0.0.1:0")
        self.addCleanup(orderer.stop, 9)
        self.log = log

    def start_peer(self, **env):
        peer = self.net.start_peer(1, PROGRAMS / "peer", **CONFIG, **self.log,
                                   CORE_METRICS_PROVIDER="prometheus", **env)
        self.addCleanup(peer.stop, 9)
        return peer

    def make_channel(self):
        """The original elects itself first."""
        end = time.monotonic() + 30
        while True:
            try:
                return self.net.create_channel()
            except AssertionError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def series(self, port):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
        return {line.rsplit(" ", 1)[0] for line in text.splitlines()
                if line[0] != "#" and not NOT_HELD.match(line) and "_bucket{" not in line}

    def of_orderer(self):
        return self.series(self.net.orderer_operations)

    def of_peer(self):
        return self.series(self.net.peer_ports[1][2])

    def same(self, found, wanted, might=frozenset()):
        self.assertEqual(sorted(found - might), sorted(wanted - might))

    def test_series_of_metrics(self):
        system = "system-channel"
        wait_until(lambda: self.of_orderer() >= of_orderer(system), what="its metrics")
        self.same(self.of_orderer(), of_orderer(system))
        self.start_peer()
        self.same(self.of_peer(), set())
        self.make_channel()
        wait_until(lambda: self.of_orderer() >= of_orderer(system, CHANNEL), what="its metrics")
        self.net.peer("channel", "join", "-b", f"{CHANNEL}.block")
        self.same(self.of_peer(), JOINED, GOSSIP)  # theirs soon, ours at once
        self.net.bench_chain("--count", 20, *self.net.to_orderer())
        wait_until(lambda: self.of_peer() >= JOINED | GOSSIP | COMMITTED, what="what it counts")
        found = self.of_peer()
        self.same({s for s in found if "ledger_transaction_count" not in s},
                  {s for s in JOINED | GOSSIP | COMMITTED if "ledger_transaction_count" not in s})
        self.assertIn(valid("ENDORSER_TRANSACTION", "_lifecycle:syscc"), found)
        (known,) = [s for s in self.text_of_peer() if s.startswith("gossip_membership")]
        self.assertEqual(known.rsplit(" ", 1)[1], "0")

    def text_of_peer(self):
        port = self.net.peer_ports[1][2]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            return answer.read().decode().splitlines()

    def join(self, peer):
        self.make_channel()
        self.net.peer("channel", "join", "-b", f"{CHANNEL}.block")
        return peer

    def in_order(self, peer, *wanted):
        """The lines are in its log, one after the other."""
        lines = iter(peer.log().split("\n"))
        for words in wanted:
            self.assertTrue(any(re.fullmatch(words, line) for line in lines),
                            f"no {words!r} where it should be in:\n{peer.log()}")

    def test_lines_of_a_join(self):
        peer = self.join(self.start_peer())
        peer.wait_for("Pulling next blocks")
        self.net.bench_chain("--count", 1, *self.net.to_orderer())
        peer.wait_for(r"Committed block \[1\]")
        peer.stop()
        who = r"127\.0\.0\.1:\d+"
        self.in_order(
            peer, rf"INFO \[peer\] Returning {who}",
            r"INFO \[nodeCmd\] concurrency limit for endorser service is 2500",
            r"INFO \[nodeCmd\] concurrency limit for deliver service is 2500",
            r"INFO \[nodeCmd\] Starting peer with TLS enabled",
            r"INFO \[nodeCmd\] Started peer with ID=.*",
            rf"INFO \[ledgermgmt\] Created ledger \[{CHANNEL}\] with genesis block",
            rf"INFO \[gossip.gossip\] Joining gossip network of channel {CHANNEL} with "
            r"2 organizations")
        for org in ("Org1MSP", "Org2MSP"):  # in any order
            self.in_order(peer, r".*Joining gossip network.*",
                          rf"INFO \[gossip.gossip\] No configured anchor peers of {org} for "
                          rf"channel {CHANNEL} to learn about",
                          rf"INFO \[gossip.state\] Updating metadata information for channel "
                          rf"{CHANNEL}, current ledger sequence is at = 0, next expected block is "
                          r"= 1",
                          r"INFO \[deliveryClient\] This peer will retrieve blocks from ordering "
                          rf"service and disseminate to other peers .* channel={CHANNEL}",
                          r"WARN \[gossip.privdata\] Could not fetch all 1 eligible collection "
                          r"private write sets for block \[1\] \(0 from local cache, 0 from "
                          r"transient store, 0 from other peers\)\. Will commit block with missing "
                          r"private write sets:\[txID: [0-9a-f]{64}, seq: 0, namespace: _lifecycle, "
                          r"collection: _implicit_org_Org1MSP, hash: [0-9a-f]{64}.*",
                          rf"INFO \[gossip.service\] Stopping chain {CHANNEL}")

    def test_a_line_of_a_peer_without_an_external_endpoint(self):
        words = r"WARN \[gossip.gossip\] External endpoint is empty, peer will not be accessible " \
                r"outside of its organization"
        self.start_peer(CORE_PEER_GOSSIP_EXTERNALENDPOINT="").wait_for(words)
        self.assertNotRegex(self.start_again().log(), words)

    def start_again(self):
        self.net.peer_ports[1] = self.net.peer_ports[2]
        return self.start_peer(CORE_PEER_FILESYSTEMPATH=str(self.net.folder / "another"))

    def test_lines_of_an_election(self):
        peer = self.join(self.start_peer(
            CORE_PEER_GOSSIP_USELEADERELECTION="true", CORE_PEER_GOSSIP_ORGLEADER="false",
            CORE_PEER_GOSSIP_ELECTION_STARTUPGRACEPERIOD="1s",
            CORE_PEER_GOSSIP_ELECTION_LEADERELECTIONDURATION="1s"))
        peer.wait_for("Pulling next blocks", timeout=60)
        peer.stop()
        self.in_order(
            peer, r"INFO \[gossip.gossip\] Joining gossip network of channel .*",
            r"INFO \[gossip.election\] [0-9a-f]{64} : Becoming a leader",
            rf"INFO \[gossip.service\] Elected as a leader, starting delivery service for channel "
            rf"{CHANNEL}",
            r"INFO \[deliveryClient\] This peer will retrieve blocks .*",
            rf"INFO \[gossip.service\] Stopping chain {CHANNEL}",
            rf"INFO \[gossip.service\] Stopping leader election for {CHANNEL}")

    def test_lines_of_anchor_peers(self):
        """Ours is not connected to; the other organisation's would be asked by the original."""
        peer = self.join(self.start_peer())
        for n in (1, 2):
            self.net.configtxgen("TwoOrgsChannel", CHANNEL, "-outputAnchorPeersUpdate",
                                 f"org{n}.tx", "-asOrg", f"Org{n}MSP")
            self.net.peer("channel", "update", "-c", CHANNEL, "-f", f"org{n}.tx",
                          *self.net.to_orderer(), org=n)
            peer.wait_for(rf"Committed block \[{n}\]")
        again = rf"INFO \[gossip.gossip\] Joining gossip network of channel {CHANNEL} with " \
                r"2 organizations"
        wait_until(lambda: len(re.findall(again, peer.log())) == 3, what="a third time")
        self.in_order(peer, again, again,
                      rf"INFO \[gossip.gossip\] Anchor peer for channel {CHANNEL} with same "
                      r"endpoint, skipping connecting to myself", again)
        if not ORIGINAL:
            port = self.net.peer_ports[2][0]
            peer.wait_for(rf"INFO \[gossip.gossip\] Not connecting to the configured anchor peers of "
                          rf"Org2MSP for channel {CHANNEL}: \[{{127.0.0.1 {port}}}\]")


if __name__ == "__main__":
    unittest.main()
