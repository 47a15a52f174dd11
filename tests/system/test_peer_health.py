"""/healthz of a peer says what is wrong with its channels, and when it is right again."""

import json
import unittest
import urllib.error
import urllib.request

from harness import Folder, wait_until
from made_network import CHANNEL, MadeNetwork


class Health(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.net = MadeNetwork(folder.__enter__())
        self.addCleanup(folder.__exit__)
        self.orderer = None
        self.start_orderer()
        self.net.create_channel()

    def start_orderer(self):
        self.orderer = self.net.start_orderer()
        self.addCleanup(self.orderer.stop, 9)

    def start_and_join(self, lost_after):
        peer = self.net.start_peer(1, CORE_WEFT_HEALTH_LOSTAFTER=lost_after)
        self.addCleanup(peer.stop, 9)
        self.net.peer("channel", "join", "-b", f"{CHANNEL}.block")
        return peer

    def reason(self):
        """Why the channels are not well; "" when they are."""
        try:
            url = f"http://127.0.0.1:{self.net.peer_ports[1][2]}/healthz"
            with urllib.request.urlopen(url, timeout=10) as answer:
                self.assertEqual(json.load(answer)["status"], "OK")
                return ""
        except urllib.error.HTTPError as e:
            self.assertEqual(e.code, 503)
            (failed,) = json.load(e)["failed_checks"]
            self.assertEqual(failed["component"], "channels")
            return failed["reason"]

    def test_red_without_an_orderer_and_green_when_it_is_back(self):
        peer = self.start_and_join("1s")
        wait_until(lambda: self.reason() == "")
        self.orderer.stop(9)
        wait_until(lambda: self.reason() != "", what="a reason")
        self.assertRegex(self.reason(),
                         rf"^channel {CHANNEL}: no blocks from the ordering service for \ds$")
        self.start_orderer()
        wait_until(lambda: self.reason() == "", what="health")
        self.assertEqual(peer.stop(15), 0)

    def test_red_while_it_is_behind_its_orderer_and_green_at_the_end(self):
        done = self.net.bench_chain("--count", 20000, *self.net.to_orderer())
        height = json.loads(done.stdout.splitlines()[-1])["height"]
        peer = self.start_and_join("1ms")
        reasons = set()
        while self.net.chain_info(1)["height"] < height:
            reasons.add(self.reason())
        self.assertTrue([r for r in reasons if r.startswith(
            f"channel {CHANNEL}: behind the ordering service for 0s, at height ")], reasons)
        wait_until(lambda: self.reason() == "", what="health")
        self.assertEqual(peer.stop(15), 0)


if __name__ == "__main__":
    unittest.main()
