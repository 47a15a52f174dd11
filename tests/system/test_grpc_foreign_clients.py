"""grpcio's C core, curl and nghttp call our server: plain, TLS 1.2, TLS 1.3, mutual TLS."""
import hashlib
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest

import grpc

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "net"))
from peers import BIN, Certificates, echo_client, echo_server, read, tls12_only  # noqa: E402

LARGE = 64 << 20
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1),
           ("grpc.max_metadata_size", 1 << 20), ("grpc.use_local_subchannel_pool", 1)]


def setUpModule():
    global certs
    certs = Certificates()


def tearDownModule():
    certs.close()


def code_of(call):
    try:
        call()
    except grpc.RpcError as e:
        return e.code(), e.details()
    return grpc.StatusCode.OK, ""


class Calls:
    """What a client may expect, over any transport."""
    loops = 2

    @classmethod
    def setUpClass(cls):
        cls.server = cls.start()
        cls.channel = cls.connect()

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        assert cls.server.stop()

    def once(self, request, **kw):
        return self.channel.unary_unary("/test.Echo/Once")(request, **kw)

    def chat(self, requests, **kw):
        return self.channel.stream_stream("/test.Echo/Chat")(requests, **kw)

    def list(self, count, size):
        return self.channel.unary_stream("/test.Echo/List")(b"%d %d" % (count, size))

    def test_messages_of_any_size_come_back(self):
        for size in (0, 1, 5, 16379, 16384, 65535, 1 << 20, LARGE):
            message = os.urandom(min(size, 1000)) * (size // 1000 + 1)
            self.assertEqual(self.once(message[:size]), message[:size])

    def test_a_stream_carries_5000_messages_in_order(self):
        sent = [b"%d" % i * (i % 50) for i in range(5000)]
        self.assertEqual(list(self.chat(iter(sent))), sent)

    def test_a_server_streams_what_it_was_asked_for(self):
        got = list(self.list(5000, 100))
        self.assertEqual([int.from_bytes(m[:4], "big") for m in got], list(range(5000)))
        self.assertEqual(sum(map(len, self.list(2, LARGE))), 2 * LARGE)
        self.assertEqual(list(self.list(3, 0)), [b""] * 3)

    def test_a_client_streams_and_gets_one_answer(self):
        call = self.channel.stream_unary("/test.Echo/Sum")
        self.assertEqual(call(iter([b"abc"] * 1000)), b"1000 3000")
        self.assertEqual(call(iter([])), b"0 0")

    def test_100_streams_share_a_connection(self):
        results = [None] * 100

        def run(i):
            results[i] = sum(map(len, self.chat(iter([bytes([i]) * 20000] * 10))))
        threads = [threading.Thread(target=run, args=(i,)) for i in range(100)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(results, [200000] * 100)

    def test_deadlines_end_calls(self):
        code, _ = code_of(lambda: list(self.channel.stream_stream("/test.Echo/Hang")(
            iter([]), timeout=0.2)))
        self.assertEqual(code, grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_a_cancelled_call_ends_at_the_server(self):
        hangs = self.channel.unary_unary("/test.Echo/Hangs")
        before = [int(n) for n in hangs(b"").split()]
        calls = [self.channel.stream_stream("/test.Echo/Hang")(iter([])) for _ in range(10)]
        self.wait_for(lambda: int(hangs(b"").split()[0]) == before[0] + 10)
        for c in calls:
            c.cancel()
        self.wait_for(lambda: int(hangs(b"").split()[1]) == before[1] + 10)

    def test_a_server_cancels(self):
        code, _ = code_of(lambda: list(self.channel.stream_stream("/test.Echo/GiveUp")(
            iter([b"x"]))))
        self.assertEqual(code, grpc.StatusCode.CANCELLED)

    def test_errors_come_as_trailers_only(self):
        for number, code in ((1, "CANCELLED"), (5, "NOT_FOUND"), (16, "UNAUTHENTICATED")):
            text = "n\u00e9 100% \n\t'quoted'"
            got = code_of(lambda: self.channel.unary_unary("/test.Echo/Fail")(
                ("%d %s" % (number, text)).encode()))
            self.assertEqual(got, (grpc.StatusCode[code], text))

    def test_unknown_methods_and_services_are_unimplemented(self):
        for path, text in (("/test.Echo/No", "unknown method No for service test.Echo"),
                           ("/no.Such/Method", "unknown service no.Such")):
            self.assertEqual(code_of(lambda: self.channel.unary_unary(path)(b"")),
                             (grpc.StatusCode.UNIMPLEMENTED, text))

    def test_metadata_comes_back_in_headers_and_trailers(self):
        large = "v" * 40000
        sent = (("x-a", "1"), ("x-b-bin", bytes(range(256))), ("x-large", large))
        _, call = self.channel.unary_unary("/test.Echo/Once").with_call(b"", metadata=sent)
        for got in (dict(call.initial_metadata()), dict(call.trailing_metadata())):
            for name, value in sent:
                self.assertEqual(got[name], value)

    def test_too_large_metadata_fails_that_call_only(self):
        code, _ = code_of(lambda: self.once(b"", metadata=(("x-a", "v" * 70000),)))
        self.assertNotEqual(code, grpc.StatusCode.OK)
        self.assertEqual(self.once(b"on"), b"on")

    def test_half_close_lets_the_server_go_on(self):
        gate = threading.Event()

        def requests():
            yield b"1"
            gate.wait(10)
            yield b"2"
        replies = self.chat(requests())
        self.assertEqual(next(replies), b"1")
        gate.set()
        self.assertEqual(list(replies), [b"2"])

    def test_gzip_is_refused_by_name(self):
        code, text = code_of(lambda: self.once(b"x" * 10000, compression=grpc.Compression.Gzip))
        self.assertEqual(code, grpc.StatusCode.UNIMPLEMENTED)
        self.assertIn('"gzip"', text)

    def test_messages_over_the_limit_are_refused(self):
        code, text = code_of(lambda: self.once(bytes((100 << 20) + 1)))
        self.assertEqual(code, grpc.StatusCode.RESOURCE_EXHAUSTED)
        self.assertIn("(104857601 vs. 104857600)", text)

    def wait_for(self, condition):
        until = time.monotonic() + 20
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.01)


class Plain(Calls, unittest.TestCase):
    @classmethod
    def start(cls):
        return echo_server("--loops", "2")

    @classmethod
    def connect(cls):
        return grpc.insecure_channel(cls.server.address, options=OPTIONS)


class Tls13(Calls, unittest.TestCase):
    environment = None
    auth = "request"

    @classmethod
    def start(cls):
        return echo_server(*certs.server_args(cls.auth), env=cls.environment)

    @classmethod
    def connect(cls):
        return grpc.secure_channel(cls.server.address, grpc.ssl_channel_credentials(
            read(certs.path("ca.pem"))), options=OPTIONS)

    def test_the_handler_sees_no_certificate(self):
        seen = self.channel.unary_unary("/test.Echo/Who")(b"").decode().split()
        self.assertEqual(seen[1], "-")


class Tls12(Tls13):
    @classmethod
    def start(cls):
        cls.environment = tls12_only(certs)
        return super().start()

    def test_it_is_tls_1_2(self):
        context = ssl.create_default_context(cafile=certs.path("ca.pem"))
        with socket.create_connection(("127.0.0.1", self.server.port)) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as s:
                self.assertEqual(s.version(), "TLSv1.2")


class MutualTls(Calls, unittest.TestCase):
    @classmethod
    def start(cls):
        return echo_server(*certs.server_args("require"), "--loops", "4")

    @classmethod
    def connect(cls, ca="ca.pem", cert="client.pem", key="client-key.pem"):
        return grpc.secure_channel(cls.server.address, grpc.ssl_channel_credentials(
            read(certs.path(ca)), read(certs.path(key)), read(certs.path(cert))), options=OPTIONS)

    def test_the_handler_sees_both_certificates(self):
        seen = self.channel.unary_unary("/test.Echo/Who")(b"").decode().split()
        for got, name in zip(seen[1:], ("client.pem", "cert.pem")):
            der = ssl.PEM_cert_to_DER_cert(read(certs.path(name)).decode())
            self.assertEqual(got, hashlib.sha256(der).hexdigest())

    def refused(self, channel):
        with channel:
            code, _ = code_of(lambda: channel.unary_unary("/test.Echo/Once")(b"", timeout=5))
            return code in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_nobody_gets_in_without_or_with_a_foreign_certificate(self):
        self.assertTrue(self.refused(Tls13.connect.__func__(type(self))))
        self.assertTrue(self.refused(self.connect(cert="other.pem", key="other-key.pem")))

    def test_new_roots_hold_for_new_handshakes_only(self):
        server = self.start_with_own_roots()
        keep, self.__class__.server = self.__class__.server, server
        try:
            old = self.connect()
            self.assertEqual(old.unary_unary("/test.Echo/Once")(b"a"), b"a")
            self.write_roots("other.pem")
            server.order("reload")
            self.assertEqual(server.child.stdout.readline(), "reloaded\n")
            time.sleep(0.1)
            self.assertEqual(old.unary_unary("/test.Echo/Once")(b"b"), b"b")
            self.assertTrue(self.refused(self.connect()))
            with self.connect(cert="other.pem", key="other-key.pem") as new:
                self.assertEqual(new.unary_unary("/test.Echo/Once")(b"c"), b"c")
            old.close()
        finally:
            self.__class__.server = keep
            self.assertTrue(server.stop())

    def write_roots(self, name):
        with open(certs.path("roots.pem"), "wb") as f:
            f.write(read(certs.path(name)))

    def start_with_own_roots(self):
        self.write_roots("ca.pem")
        return echo_server("--cert", certs.path("cert.pem"), "--key", certs.path("key.pem"),
                           "--roots", certs.path("roots.pem"), "--client-auth", "require")


class Connections(unittest.TestCase):
    """What a foreign client sees of our rules for connections."""

    def test_stopping_lets_open_calls_end(self):
        server = echo_server()
        gate = threading.Event()

        def requests():
            yield b"1"
            gate.wait(10)
            yield b"2"
        with grpc.insecure_channel(server.address, options=OPTIONS) as channel:
            replies = channel.stream_stream("/test.Echo/Chat")(requests())
            self.assertEqual(next(replies), b"1")
            server.order("stop")
            with grpc.insecure_channel(server.address, options=OPTIONS) as late:
                code, _ = code_of(lambda: late.unary_unary("/test.Echo/Once")(b"", timeout=1))
                self.assertIn(code, (grpc.StatusCode.UNAVAILABLE,
                                     grpc.StatusCode.DEADLINE_EXCEEDED))
            gate.set()
            self.assertEqual(list(replies), [b"2"])
        self.assertTrue(server.stop())

    def test_calls_that_do_not_end_are_cut_off_at_the_deadline(self):
        server = echo_server()
        with grpc.insecure_channel(server.address, options=OPTIONS) as channel:
            replies = channel.stream_stream("/test.Echo/Hang")(iter([]))
            channel.unary_unary("/test.Echo/Once")(b"")
            started = time.monotonic()
            server.order("stop")
            code, _ = code_of(lambda: list(replies))
            self.assertEqual(code, grpc.StatusCode.UNAVAILABLE)
            self.assertGreater(time.monotonic() - started, 2)
        self.assertTrue(server.stop())

    def hang_with_pings(self, server, seconds):
        options = OPTIONS + [("grpc.keepalive_time_ms", 100),
                             ("grpc.keepalive_timeout_ms", 5000),
                             ("grpc.http2.max_pings_without_data", 0),
                             ("grpc.http2.min_time_between_pings_ms", 100),
                             ("grpc.http2.min_sent_ping_interval_without_data_ms", 100)]
        with grpc.insecure_channel(server.address, options=options) as channel:
            return code_of(lambda: list(channel.stream_stream("/test.Echo/Hang")(
                iter([]), timeout=seconds)))

    def test_who_pings_too_often_is_sent_away(self):
        server = echo_server()
        code, _ = self.hang_with_pings(server, 20)  # the C core pings once a second at most
        self.assertEqual(code, grpc.StatusCode.UNAVAILABLE)
        self.assertTrue(server.stop())

    def test_who_pings_as_allowed_stays(self):
        server = echo_server("--set", "ping_min_interval_ms=50")
        code, _ = self.hang_with_pings(server, 5)
        self.assertEqual(code, grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertTrue(server.stop())


class OtherTools(unittest.TestCase):
    """curl, nghttp, h2load, openssl."""

    @classmethod
    def setUpClass(cls):
        cls.plain = echo_server()
        cls.tls = echo_server(*certs.server_args())
        with open(certs.path("body"), "wb") as f:
            f.write(b"\0\0\0\0\5hello")

    @classmethod
    def tearDownClass(cls):
        assert cls.plain.stop() and cls.tls.stop()

    def curl(self, *args):
        return subprocess.run(["curl", "-sS", "-i", "--max-time", "10", *args],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT).stdout

    def grpc_curl(self, *args):
        return self.curl("-H", "content-type: application/grpc", "-H", "te: trailers",
                         "--data-binary", "@" + certs.path("body"), *args)

    def test_curl_makes_a_call(self):
        plain = self.grpc_curl("--http2-prior-knowledge",
                               "http://%s/test.Echo/Once" % self.plain.address)
        tls = self.grpc_curl("--http2", "--cacert", certs.path("ca.pem"),
                             "https://localhost:%d/test.Echo/Once" % self.tls.port)
        for out in (plain, tls):
            self.assertIn(b"HTTP/2 200", out)
            self.assertIn(b"\0\0\0\0\5hello", out)
            self.assertIn(b"grpc-status: 0", out)

    def test_what_is_not_grpc_is_told_so(self):
        url = "http://%s/test.Echo/Once" % self.plain.address
        self.assertIn(b"HTTP/2 415", self.curl("--http2-prior-knowledge", "-d", "", url))
        self.assertIn(b"HTTP/2 405", self.curl("--http2-prior-knowledge", "-H",
                                               "content-type: application/grpc", url))
        self.assertIn(b"HTTP/2 400", self.curl("--http2-prior-knowledge", "-H",
                                               "content-type: application/grpc", "-d", "", url))
        self.assertNotIn(b"HTTP/1.1 200", self.curl("--http1.1", url))

    def test_nghttp_makes_a_call(self):
        out = subprocess.run(["nghttp", "-v", "-H", "content-type: application/grpc", "-H",
                              "te: trailers", "-d", certs.path("body"),
                              "http://%s/test.Echo/Once" % self.plain.address],
                             stdout=subprocess.PIPE).stdout
        self.assertIn(b"hello", out)
        self.assertIn(b"grpc-status: 0", out)

    def test_h2load_makes_many(self):
        out = subprocess.run(["h2load", "-n", "5000", "-c", "10", "-m", "50", "-H",
                              "content-type: application/grpc", "-H", "te: trailers", "-d",
                              certs.path("body"), "https://%s/test.Echo/Once" % self.tls.address],
                             stdout=subprocess.PIPE, text=True).stdout
        self.assertIn("5000 succeeded, 0 failed", out)

    def test_weak_ciphers_and_old_versions_are_refused(self):
        def connects(*args):
            return subprocess.run(["openssl", "s_client", "-connect", self.tls.address, *args],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode == 0
        self.assertTrue(connects("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256"))
        self.assertFalse(connects("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"))
        self.assertFalse(connects("-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"))
        self.assertFalse(connects("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"))
        self.assertFalse(connects("-alpn", "http/1.1"))
        self.assertTrue(connects("-alpn", "http/1.1,h2"))

    def test_ipv6_and_names_are_addresses_too(self):
        server = echo_server("--listen", "[::]:0")
        try:
            for host in ("[::1]", "127.0.0.1", "localhost"):
                out = echo_client("--connect", "%s:%d" % (host, server.port), "once", 10)
                self.assertEqual(out, ["once OK 1 10"])
        finally:
            self.assertTrue(server.stop())

    def test_a_port_in_use_is_an_error(self):
        done = subprocess.run([os.path.join(BIN, "echo_server"), "--listen", self.plain.address],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("listen tcp %s: bind: address already in use" % self.plain.address,
                      done.stderr)


if __name__ == "__main__":
    unittest.main()
