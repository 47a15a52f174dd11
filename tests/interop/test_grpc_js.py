"""@grpc/grpc-js on the other end, as client and as server: plain, TLS 1.2 and
1.3, mutual TLS.  npm installs it below the build directory."""
import os
import re
import shutil
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "net"))
from npm_modules import npm_modules  # noqa: E402
from peers import Certificates, Process, echo_client, echo_server  # noqa: E402


def setUpModule():
    global certs, modules
    modules = npm_modules("grpc-js")
    certs = Certificates()
    shutil.copy(certs.path("ca.pem"), certs.path("roots.pem"))


def tearDownModule():
    certs.close()


def node(*args):
    return ["node", *args[:-1], modules / "peer.js", *args[-1]]


class GrpcJs(unittest.TestCase):
    def as_client(self, server, flags=(), folder=()):
        done = subprocess.run(node(*flags, ["client", "localhost:%d" % server.port, *folder]),
                              stdout=subprocess.PIPE, text=True, timeout=120)
        self.assertTrue(server.stop())
        self.assertEqual([line for line in done.stdout.splitlines() if line[:3] != "ok "], [])
        self.assertGreaterEqual(len(done.stdout.splitlines()), 13)

    def as_server(self, flags=(), folder=(), args=()):
        server = Process(node(*flags, ["server", *folder]))
        got = echo_client("--connect", "localhost:%d" % server.port, *args, "once", 0,
                          "once", 64 << 20, "chat", 5000, 100, "list", 5000, 100, "sum", 100, 5000,
                          "many", 100, 10000, "fail", "9 n\u00e9 100%", "hang", 200, "cancel", 50,
                          "giveup", 1, "meta", 20000)
        server.child.stdin.close()
        server.child.wait()
        got = [re.sub(r"( OK \d+ \d+) OK$", r"\1", line) for line in got]  # its message of success
        # its server may be the first to find the deadline passed, in its own words
        got = [line.replace("Deadline exceeded", "context deadline exceeded") for line in got]
        self.assertEqual(got, ["once OK 1 0", "once OK 1 %d" % (64 << 20), "chat OK 5000 500000",
                               "list OK 5000 500000", "100 500000 sum OK 1 10", "many OK 1 10000",
                               "fail FailedPrecondition 0 0 n\u00e9 100%",
                               "hang DeadlineExceeded 0 0 context deadline exceeded",
                               "cancel Canceled 0 0 context canceled",
                               "giveup Canceled 0 0 gave up", "meta OK 1 0"])

    def test_plain(self):
        self.as_client(echo_server())
        self.as_server()

    def test_tls_of_the_server_alone(self):
        alone = os.path.join(certs.dir, "server-only")
        os.makedirs(alone, exist_ok=True)
        for name in ("cert.pem", "key.pem", "ca.pem"):
            shutil.copy(certs.path(name), alone)
        for flags in (("--tls-min-v1.3",), ("--tls-max-v1.2",)):
            with self.subTest(flags=flags):
                self.as_client(echo_server(*certs.server_args()), flags, [alone])
                self.as_server(flags, [alone], certs.client_args())

    def test_mutual_tls(self):
        for flags in (("--tls-min-v1.3",), ("--tls-max-v1.2",)):
            with self.subTest(flags=flags):
                self.as_client(echo_server(*certs.server_args("require")), flags, [certs.dir])
                self.as_server(flags, [certs.dir], certs.client_args(with_cert=True))


if __name__ == "__main__":
    unittest.main()
