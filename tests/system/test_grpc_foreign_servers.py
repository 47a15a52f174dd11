"""Our client calls grpcio's C core: plain, TLS 1.2, TLS 1.3, mutual TLS."""
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from peers import Certificates, echo_client, echo_server, grpcio_server, tls12_only  # noqa: E402

LARGE = 64 << 20


def setUpModule():
    global certs
    certs = Certificates()


def tearDownModule():
    certs.close()


class Calls:
    env = None
    args = ()

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()

    @classmethod
    def tearDownClass(cls):
        cls.server.child.stdin.close()
        cls.server.child.wait()

    def client(self, *commands):
        return echo_client("--connect", "localhost:%d" % self.server.port, *self.args, *commands,
                           env=self.env)

    def test_messages_of_any_size_come_back(self):
        sizes = (0, 1, 16379, 16384, 1 << 20, LARGE)
        self.assertEqual(self.client(*sum((("once", n) for n in sizes), ())),
                         ["once OK 1 %d" % n for n in sizes])

    def test_streams_of_every_kind(self):
        self.assertEqual(self.client("chat", 5000, 100, "chat", 20, 300000, "chat", 0, 0,
                                     "list", 5000, 100, "list", 2, LARGE, "sum", 1000, 3000),
                         ["chat OK 5000 500000", "chat OK 20 6000000", "chat OK 0 0",
                          "list OK 5000 500000", "list OK 2 %d" % (2 * LARGE),
                          "1000 3000000 sum OK 1 12"])

    def test_100_calls_at_once(self):
        self.assertEqual(self.client("many", 100, 20000), ["many OK 1 20000"])

    def test_metadata_comes_back_in_headers_and_trailers(self):
        self.assertEqual(self.client("meta", 1, "meta", 40000), ["meta OK 1 0", "meta OK 1 0"])

    def test_a_server_cancels(self):
        answers = self.client("giveup", 10, "once", 3)
        self.assertRegex(answers[0], "^giveup (Canceled|Unknown) 0 0")
        self.assertEqual(answers[1], "once OK 1 3")

    def test_ends_that_are_not_ok(self):
        answers = self.client("fail", "5 n\u00e9 100%", "hang", 200, "cancel", 50, "once", 3)
        # Both ends watch the deadline; the words are of the one that comes first.
        self.assertIn(answers.pop(1), ["hang DeadlineExceeded 0 0 context deadline exceeded",
                                       "hang DeadlineExceeded 0 0 Deadline Exceeded"])
        self.assertEqual(answers, ["fail NotFound 0 0 n\u00e9 100%",
                                   "cancel Canceled 0 0 context canceled", "once OK 1 3"])


class Plain(Calls, unittest.TestCase):
    @classmethod
    def start(cls):
        return grpcio_server()


class Tls13(Calls, unittest.TestCase):
    @classmethod
    def start(cls):
        cls.args = certs.client_args()
        folder = certs.path("server-only")
        os.makedirs(folder, exist_ok=True)
        for name in ("cert.pem", "key.pem"):
            subprocess.run(["cp", certs.path(name), folder], check=True)
        return grpcio_server(folder)


class Tls12(Tls13):
    @classmethod
    def start(cls):
        cls.env = tls12_only(certs)
        return super().start()


class MutualTls(Calls, unittest.TestCase):
    @classmethod
    def start(cls):
        subprocess.run(["cp", certs.path("ca.pem"), certs.path("roots.pem")], check=True)
        cls.args = certs.client_args(with_cert=True)
        return grpcio_server(certs.dir)


class WhomWeTrust(unittest.TestCase):
    """Our client against our server: who is refused, and in which words."""

    @classmethod
    def setUpClass(cls):
        cls.server = echo_server(*certs.server_args("require"))

    @classmethod
    def tearDownClass(cls):
        assert cls.server.stop()

    def ask(self, *args, host="localhost"):
        return echo_client("--connect", "%s:%d" % (host, self.server.port), *args, "once", 1)

    def test_the_name_must_be_in_the_certificate(self):
        mine = certs.client_args(with_cert=True)
        self.assertEqual(self.ask(*mine), ["once OK 1 1"])
        self.assertEqual(self.ask(*mine, host="127.0.0.1"), ["once OK 1 1"])
        self.assertEqual(self.ask(*mine, "--host", "echo.example.com"), ["once OK 1 1"])
        self.assertIn("hostname mismatch", self.ask(*mine, "--host", "other.example.com")[0])
        self.assertIn("IP address mismatch", self.ask(*mine, "--host", "10.1.2.3")[0])

    def test_the_chain_must_end_at_our_root(self):
        got = self.ask("--roots", certs.path("other.pem"))
        self.assertRegex(got[0], "down .*certificate")

    def test_certificates_are_judged_at_the_shifted_time(self):
        mine = certs.client_args(with_cert=True)
        self.assertIn("expired", self.ask(*mine, "--time-shift", "-%d" % (3 * 86400))[0])
        self.assertIn("not yet valid", self.ask(*mine, "--time-shift", "86400")[0])

    def test_plain_text_and_tls_do_not_meet(self):
        self.assertIn("down", self.ask()[0])
        plain = echo_server()
        got = echo_client("--connect", plain.address, *certs.client_args(), "once", 1)
        self.assertIn("down TLS handshake", got[0])
        self.assertTrue(plain.stop())


if __name__ == "__main__":
    unittest.main()
