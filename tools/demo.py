#!/usr/bin/env python3
"""A network in a minute: an orderer and two organisations with a peer each, made, run,
shot at and judged.  `make demo`.

Everything is done with what is built here and in the way that an operator does it:
cryptogen, configtxgen, peer channel create, join and update, transactions with real
endorsements (weft bench chain).  Meanwhile the orderer and a peer are killed (kill -9)
and started again.  In the end all have the same blocks and the peers the same state,
and each transaction has got the code that it was made for; or the exit status is 1.

Needs Python's standard library only.  Files lie in build/demo, and are removed unless
something went wrong."""

import argparse
import base64
import collections
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests/system"))
sys.dont_write_bytecode = True

from chain_check import Block, CONFIG  # noqa: E402  (the path is set above)
from harness import BIN, Process  # noqa: E402
from made_network import CHANNEL, MadeNetwork, ORGS  # noqa: E402

NODES = ("orderer", "org1", "org2")  # the last two: an organisation's peer


class Demo:
    def __init__(self, folder, programs):
        self.folder = folder
        self.programs = programs
        self.began = time.monotonic()
        self.nodes = {}
        self.net = None
        self.shown = None
        self.watching = False
        self.printing = threading.Lock()
        self.expected = {}
        self.intended = collections.Counter()
        self.sent_again = self.config_blocks = 0

    # ---- what is printed ---------------------------------------------------------------

    def say(self, text):
        with self.printing:
            print(f"{time.monotonic() - self.began:6.1f} s  {text}", flush=True)

    def heading(self):
        self.say("     " + "".join(f"{name:<22}" for name in NODES))

    def table(self, tips):
        """One line whenever somebody has moved."""
        if tips == self.shown:
            return
        self.shown = tips
        self.say("     " + "".join(
            f"{t[0]:>5} {t[1].hex()[:12]:<16}" if t else f"{'    - away':<22}" for t in tips))

    # ---- where nodes are ------------------------------------------------------------------

    def tip(self, name):
        """(height, hash of the last block); None: it does not answer."""
        if name not in self.nodes:
            return None
        try:
            if name == "orderer":
                return self.orderer_tip()
            info = self.net.chain_info(int(name[-1]), ok=False)
        except (AssertionError, subprocess.TimeoutExpired):
            return None
        return info and (info["height"], base64.b64decode(info["currentBlockHash"]))

    def orderer_tip(self):
        path = self.folder / "newest.block"
        done = self.net.peer("channel", "fetch", "newest", path, "-c", CHANNEL,
                             *self.net.to_orderer(), ok=False, timeout=10)
        if done.returncode != 0:
            return None
        block = Block(path.read_bytes())
        return block.number + 1, block.hash

    def tips(self):
        return [self.tip(name) for name in NODES]

    def watch(self):
        while self.watching:
            self.table(self.tips())
            time.sleep(0.2)

    def wait_until_equal(self, timeout=30):
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            tips = self.tips()
            self.table(tips)
            if None not in tips and len(set(tips)) == 1:
                return
            time.sleep(0.2)
        raise AssertionError("the nodes do not agree: see the last line")

    # ---- nodes ------------------------------------------------------------------------------

    def start(self, name):
        if name == "orderer":
            self.nodes[name] = self.net.start_orderer()
        else:
            n = int(name[-1])
            self.nodes[name] = self.net.start_peer(n, self.programs.peers[n])

    def kill(self, name):
        """As a power cut would end it."""
        self.nodes.pop(name).stop(signal.SIGKILL)

    def stop_all(self, how):
        """Their exit statuses."""
        return [self.nodes.pop(name).stop(how) for name in list(self.nodes)]

    # ---- the story ---------------------------------------------------------------------------

    def make_network(self):
        self.net = MadeNetwork(self.folder, "etcdraft",
                               [("BatchTimeout: 2s", "BatchTimeout: 250ms"),
                                ("MaxMessageCount: 500", "MaxMessageCount: 50")])
        for n in ORGS:
            self.net.configtxgen("TwoOrgsChannel", CHANNEL, "-outputAnchorPeersUpdate",
                                 f"org{n}.tx", "-asOrg", f"Org{n}MSP")
        self.say("cryptogen and configtxgen made identities, the system channel's first block, "
                 "and three configuration updates")

    def start_nodes(self):
        for name in NODES:
            self.start(name)
        self.say("an orderer and two peers are running")
        self.net.create_channel()
        self.say(f"peer channel create: {CHANNEL}")
        for n in ORGS:
            self.net.peer("channel", "join", "-b", f"{CHANNEL}.block", org=n)
            listed = self.net.peer("channel", "list", org=n).stdout.split("\n")
            assert CHANNEL in listed, listed
        self.say("peer channel join: both peers")

    def update_anchors(self, n):
        self.net.peer("channel", "update", "-c", CHANNEL, "-f", f"org{n}.tx",
                      *self.net.to_orderer(), org=n)
        self.config_blocks += 1
        self.say(f"peer channel update: the anchor peer of Org{n}")

    def bench(self, seed, count, *args):
        """Transactions through Broadcast; they stay expected."""
        codes = self.folder / f"codes-{seed}.tsv"
        done = self.net.bench_chain("--seed", seed, "--count", count, "--size", 400,
                                    "--conflicts", 10, "--badPolicies", 5, "--overwrites", 30,
                                    "--expect", codes, *args, *self.net.to_orderer())
        got = json.loads(done.stdout)
        self.expected.update(line.split("\t") for line in codes.read_text().splitlines())
        self.intended.update(got["intended"])
        self.sent_again += got["sent_again"]
        self.say(f"weft bench chain: {sum(got['intended'].values())} transactions in "
                 f"{got['blocks']} blocks, {got['tx_per_s']} a second")

    def bench_while(self, what, seed, count):
        failed = []

        def run():
            try:
                self.bench(seed, count, "--defined")
            except BaseException as e:  # pylint: disable=broad-except: told below
                failed.append(e)

        worker = threading.Thread(target=run)
        worker.start()
        what()
        worker.join()
        if failed:
            raise failed[0]

    def let_it_grow(self, blocks=5, timeout=20):
        """Waits until the orderer has so many blocks more."""
        end = time.monotonic() + timeout
        first = self.tip("orderer")[0]
        while time.monotonic() < end:
            now = self.tip("orderer")
            if now and now[0] >= first + blocks:
                return
            time.sleep(0.05)
        raise AssertionError("the chain does not grow")

    def shoot(self, name):
        self.let_it_grow()
        self.kill(name)
        self.say(f"kill -9: {name}")
        time.sleep(1)  # for those who watch
        self.start(name)
        self.say(f"{name} is back")

    def run(self):
        self.start_nodes()
        self.heading()
        self.watching = True
        watcher = threading.Thread(target=self.watch)
        watcher.start()
        try:
            self.update_anchors(1)
            self.bench(1, 600)
            self.bench_while(lambda: self.shoot("org2"), 2, 2500)
            self.update_anchors(2)
            self.bench_while(lambda: self.shoot("orderer"), 3, 2500)
        finally:
            self.watching = False
            watcher.join()
        self.wait_until_equal()

    # ---- the verdict -----------------------------------------------------------------------------

    def peer_blocks(self, n):
        out = f"blocks{n}"
        self.net.run("weft", "ledger", "export", f"peer{n}/ledgersData", CHANNEL, out)
        paths = sorted((self.folder / out).glob("*.block"), key=lambda p: int(p.stem))
        return [Block(p.read_bytes()) for p in paths]

    def judge_codes(self, blocks):
        """Is each transaction's code the one that it was made for?  Of a transaction that
        was sent again the later copies are duplicates; one that is in the same block as a
        first one that failed is reported as that."""
        got, seen, wrong = collections.Counter(), {}, []
        for block in blocks:
            for kind, tx_id, code in block.transactions():
                if kind == CONFIG:
                    got["CONFIG"] += 1
                elif tx_id in seen and code in ("DUPLICATE_TXID", seen[tx_id]):
                    got["DUPLICATE_TXID"] += 1
                else:
                    got[code] += 1
                    seen[tx_id] = code
                    if self.expected.get(tx_id) != code:
                        wrong.append((block.number, tx_id, code, self.expected.get(tx_id)))
        missing = len(self.expected.keys() - seen.keys())
        return got, wrong, missing

    def verdict(self):
        checks = []

        def check(good, text):
            checks.append(good)
            print(f"  {'ok ' if good else 'NOT'}  {text}")

        tips = self.tips()
        statuses = self.stop_all(signal.SIGTERM)
        blocks = {n: self.peer_blocks(n) for n in ORGS}
        first, second = (blocks[n] for n in ORGS)
        print("\nVerdict")
        check(None not in tips and len(set(tips)) == 1,
              f"same height and hash on all nodes: {tips[0] and tips[0][0]} blocks, "
              f"{tips[0] and tips[0][1].hex()}")
        check(len(first) == len(second) and all(
            a.hash == b.hash and a.flags == b.flags and a.commit_hash == b.commit_hash
            for a, b in zip(first, second)),
              f"same hash, codes and commit hash in each block of both peers; the last: "
              f"{first[-1].commit_hash.hex()}")
        check(bool(first[-1].commit_hash), "there is a commit hash")
        for n in ORGS:
            got, wrong, missing = self.judge_codes(blocks[n])
            again = got.pop("DUPLICATE_TXID", 0)
            config = got.pop("CONFIG", 0)
            check(not wrong and not missing and got == self.intended,
                  f"org{n}: " + ", ".join(f"{v} {k}" for k, v in sorted(got.items())) +
                  " as intended" + (f"; {missing} missing, wrong: {wrong[:3]}"
                                    if wrong or missing else ""))
            check(config == 1 + self.config_blocks, f"org{n}: {config} configurations")
            check(again <= self.sent_again,
                  f"org{n}: {again} duplicates of {self.sent_again} that were sent again")
        check(statuses == [0, 0, 0], f"SIGTERM ends all three, with exit status {statuses}")
        for name in ("orderer", "peer1/ledgersData", "peer2/ledgersData"):
            done = self.net.run("weft", "ledger", "verify", name, CHANNEL, ok=False)
            said = (done.stdout or done.stderr).strip().split("\n")[0]
            check(done.returncode == 0, f"weft ledger verify {name}: {said}")
        print(f"\n{'GOOD' if all(checks) else 'NOT GOOD'}: {sum(checks)} of {len(checks)} checks, "
              f"{time.monotonic() - self.began:.0f} s")
        return all(checks)


def main():
    arguments = argparse.ArgumentParser(description="A network in a minute.")
    for n in ORGS:
        arguments.add_argument(f"--peer{n}", default=BIN / "peer", metavar="PEER",
                               help=f"another program for the peer of Org{n}")
    arguments.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/demo")
    programs = arguments.parse_args()
    programs.peers = {n: getattr(programs, f"peer{n}") for n in ORGS}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = programs.folder.absolute()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    demo = Demo(folder, programs)
    good = False
    try:
        demo.make_network()
        demo.run()
        good = demo.verdict()
    except (AssertionError, subprocess.TimeoutExpired) as e:
        print(f"\nNOT GOOD: {e}")
    finally:
        logs = dict(demo.nodes)
        if demo.net is not None:
            demo.net.kill_running()
        demo.stop_all(signal.SIGKILL)
        if good:
            shutil.rmtree(folder)
        else:
            for name, process in logs.items():
                (folder / f"{name}.log").write_text(process.log())
            print(f"see {folder}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
