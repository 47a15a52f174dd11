"""Connections that open, stall, die and come back: nothing leaks on four
loops, and who keeps still loses nothing.  By hand, for longer:

  WEFT_CHURN="60 2000" ... test_grpc_churn.py      seconds, connections
"""
import os
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from peers import BIN, Certificates, echo_server  # noqa: E402

SECONDS, CONNECTIONS = os.environ.get("WEFT_CHURN", "4 200").split()
GROWTH_KB = 30 << 10  # after the second time around: what fragmentation may cost


class Churn(unittest.TestCase):
    def churn(self, server, args, seed):
        done = subprocess.run([os.path.join(BIN, "churn_client"), "--connect", server.address,
                               *args, SECONDS, CONNECTIONS, str(seed)], stdout=subprocess.PIPE,
                              text=True)
        if os.environ.get("WEFT_CHURN"):
            print(done.stdout, "server: %d KB, %d files" % (server.memory_kb(),
                                                            server.open_files()), file=sys.stderr)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("all there", done.stdout)

    def run_on(self, server, args):
        files = server.open_files()
        self.churn(server, args, 1)
        once = server.memory_kb()
        self.churn(server, args, 2)
        until = time.monotonic() + 30
        while server.open_files() > files:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.05)
        self.assertLess(server.memory_kb() - once, GROWTH_KB)
        self.assertTrue(server.stop())

    def test_plain(self):
        self.run_on(echo_server("--loops", "4"), [])

    def test_tls(self):
        certs = Certificates()
        self.run_on(echo_server("--loops", "4", *certs.server_args()), certs.client_args())
        certs.close()


if __name__ == "__main__":
    unittest.main()
