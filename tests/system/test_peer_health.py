"""/healthz of a peer says what is wrong with its channels, and when it is right again."""

import contextlib
import ctypes
import json
import os
import pathlib
import unittest
import urllib.error
import urllib.request

from harness import Folder, wait_until
from made_network import CHANNEL, MadeNetwork


@contextlib.contextmanager
def stopped_thread(pid, name):
    """Of a process that this one has started; it goes on afterwards.  A thread that waits for
    work holds no lock that others may want."""
    (tid,) = [int(t.name) for t in pathlib.Path(f"/proc/{pid}/task").iterdir()
              if (t / "comm").read_text().strip() == name[:15]]
    seize, interrupt, detach, wall = 0x4206, 0x4207, 17, 0x40000000
    libc = ctypes.CDLL(None, use_errno=True)

    def ptrace(request):
        if libc.ptrace(ctypes.c_long(request), ctypes.c_long(tid), None, None) != 0:
            raise OSError(ctypes.get_errno(), "ptrace")

    ptrace(seize)
    try:
        ptrace(interrupt)
        os.waitpid(tid, wall)
        yield
    finally:
        ptrace(detach)


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
        peer = self.start_and_join("50ms")
        wait_until(lambda: self.reason() == "")
        with stopped_thread(peer.popen.pid, f"commit:{CHANNEL}"):
            done = self.net.bench_chain("--count", 10000, *self.net.to_orderer())
            wait_until(lambda: self.reason() != "", what="a reason")
            self.assertRegex(self.reason(), rf"^channel {CHANNEL}: behind the ordering service "
                                            r"for \d+s, at height \d+$")
        wait_until(lambda: self.reason() == "", what="health")
        height = json.loads(done.stdout.splitlines()[-1])["height"]
        wait_until(lambda: self.net.chain_info(1)["height"] == height, what="the end of the chain")
        self.assertEqual(peer.stop(15), 0)


if __name__ == "__main__":
    unittest.main()
