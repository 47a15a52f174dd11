"""The operations endpoint, asked by curl and by Python's own client."""

import json
import re
import socket
import subprocess
import time
import unittest

from harness import TEST_BIN, Certificates, Folder, Process, wait_until


class Server(Process):
    """tests/ops/ops_server.c, which ends with its standard input."""

    def __init__(self, folder, *args):
        super().__init__([TEST_BIN / "ops_server", *args], cwd=folder,
                         env={"FABRIC_LOGGING_SPEC": "info"}, stdin=subprocess.PIPE)
        self.port = int(self.wait_for(r"Operations endpoint listens on 127.0.0.1:(\d+)")[1])
        self.scheme = "https" if len(args) == 5 else "http"

    def curl(self, path, *args):
        """Status, headers and body; status 0 is no answer at all."""
        done = subprocess.run(["curl", "-si", "--max-time", "20", *map(str, args),
                               f"{self.scheme}://localhost:{self.port}{path}"],
                              capture_output=True, check=False)
        if done.returncode != 0:
            return 0, done.stderr.decode(), ""
        head, _, body = done.stdout.decode().partition("\r\n\r\n")
        while re.match(r"HTTP/1.1 100", head):
            head, _, body = body.partition("\r\n\r\n")
        return int(head.split()[1]), head, body

    def put(self, path, body, *args):
        return self.curl(path, "-X", "PUT", "-H", "Content-Type: application/json",
                         "--data-binary", body, *args)


class Operations(unittest.TestCase):
    def setUp(self):
        self.folder = Folder()
        self.dir = self.folder.__enter__()
        self.addCleanup(self.folder.__exit__)

    def start(self, *args):
        server = Server(self.dir, *args)
        self.addCleanup(server.stop, 9)
        return server

    def test_healthz_turns_red_and_green_again(self):
        server = self.start("prometheus")
        status, head, body = server.curl("/healthz")
        self.assertEqual(status, 200)
        self.assertIn("Content-Type: application/json", head)
        self.assertRegex(body, r'^{"status":"OK","time":"\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)"}$')
        (self.dir / "ill").touch()
        status, _, body = server.curl("/healthz")
        self.assertEqual(status, 503)
        answer = json.loads(body)
        self.assertEqual(answer["status"], "Service Unavailable")
        self.assertEqual(answer["failed_checks"],
                         [{"component": "health", "reason": "there is a file called ill"}])
        (self.dir / "ill").unlink()
        self.assertEqual(server.curl("/healthz")[0], 200)
        self.assertEqual(server.curl("/healthz", "-X", "POST")[0], 405)

    def test_logspec_takes_effect(self):
        server = self.start("prometheus")
        self.assertEqual(server.curl("/logspec")[2], '{"spec":"info"}\n')
        server.curl("/echo/unheard")
        self.assertEqual(server.put("/logspec", '{"spec":"ops.server=debug:info"}')[0], 204)
        server.curl("/echo/heard")
        server.wait_for("echo /echo/heard")
        self.assertNotIn("unheard", server.log())
        self.assertEqual(server.curl("/logspec")[2], '{"spec":"ops.server=debug:info"}\n')
        status, _, body = server.put("/logspec", '{"spec":"="}')
        self.assertEqual((status, json.loads(body)["error"]),
                         (400, "invalid logging specification '=': no logger specified in segment '='"))
        self.assertEqual(server.put("/logspec", "x" * 100000)[0], 400)
        self.assertEqual(server.curl("/logspec", "-X", "POST")[0], 400)

    def test_metrics_are_counted(self):
        server = self.start("prometheus")
        status, head, body = server.curl("/metrics")
        self.assertEqual(status, 200)
        self.assertIn("Content-Type: text/plain; version=0.0.4; charset=utf-8", head)
        self.assertRegex(body, r"(?m)^deliver_streams_opened 1$")
        self.assertRegex(body, r'(?m)^logging_entries_written{level="info"} 1$')
        self.assertRegex(body, r"(?m)^# TYPE process_cpu_seconds_total counter$")
        for line in body.splitlines():
            self.assertRegex(line, r'^(# (HELP|TYPE) \w+ .+|\w+({(\w+="[^"]*",?)+})? [-+.e\d]+)$')
        self.assertEqual(self.start("disabled").curl("/metrics")[0], 404)

    lines = r"""(?m)^test\.deliver\.streams_opened:1\.000000\|c
(?:.*\n)*?test\.fabric_version\.\S+:1\.000000\|g$"""

    def test_statsd_gets_datagrams(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            s.settimeout(20)
            server = self.start("statsd", "udp", f"127.0.0.1:{s.getsockname()[1]}")
            self.assertEqual(server.curl("/metrics")[0], 404)
            first = s.recv(65536).decode()
            self.assertRegex(first, self.lines)
            self.assertTrue(first.endswith("\n"))
            second = s.recv(65536).decode()
            self.assertNotIn("streams_opened", second)
            self.assertIn("test.fabric_version.", second)

    def test_statsd_gets_a_connection_and_another_when_it_was_away(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            s.settimeout(20)
            port = s.getsockname()[1]
            server = self.start("statsd", "tcp", f"127.0.0.1:{port}")
            with s.accept()[0] as c:
                self.assertIn("test.deliver.streams_opened:1.000000|c\n", c.recv(65536).decode())
        server.wait_for("StatsD server is away: ")
        with socket.create_server(("127.0.0.1", port)) as s:
            s.settimeout(20)
            with s.accept()[0] as c:
                self.assertIn("test.fabric_version.", c.recv(65536).decode())
                server.wait_for(f"StatsD server 127.0.0.1:{port} is back")

    def test_a_statsd_server_that_is_not_there_ends_the_start(self):
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
        done = subprocess.run([TEST_BIN / "ops_server", "statsd", "tcp", f"127.0.0.1:{port}"],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"dial tcp 127.0.0.1:{port}: Connection refused", done.stderr)

    def test_bodies_come_whole_or_are_cut(self):
        server = self.start("prometheus")
        self.assertEqual(server.put("/echo/a?b=c", "x" * 100000)[2], "PUT /echo/a 100000 whole\n")
        self.assertEqual(server.put("/echo/b", "x" * 100001)[2], "PUT /echo/b 100000 cut\n")
        self.assertEqual(server.put("/echo/c", "x" * 5, "-H", "Transfer-Encoding: chunked")[2],
                         "PUT /echo/c 5 whole\n")

    def test_unknown_paths_and_nonsense(self):
        server = self.start("prometheus")
        status, head, body = server.curl("/nothing")
        self.assertEqual((status, body), (404, "404 page not found\n"))
        self.assertIn("X-Content-Type-Options: nosniff", head)
        with socket.create_connection(("localhost", server.port)) as s:
            s.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
            s.settimeout(20)
            while s.recv(1000):
                pass
        with socket.create_connection(("localhost", server.port)) as s:
            s.sendall(b"GET /version HTTP/1.1\r\nA: " + b"b" * 100000 + b"\r\n\r\n")
        self.assertEqual(server.curl("/version")[0], 200)

    def test_strangers_who_say_nothing_keep_nobody_out(self):
        server = self.start("prometheus")
        strangers = [socket.create_connection(("localhost", server.port)) for _ in range(100)]
        self.assertEqual(server.curl("/version")[0], 200)
        for s in strangers:
            s.close()
        wait_until(lambda: server.curl("/version")[0] == 200)


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = Folder()
        cls.dir = cls.folder.__enter__()
        cls.addClassCleanup(cls.folder.__exit__)
        cls.ours = Certificates(cls.dir / "ours")
        cls.theirs = Certificates(cls.dir / "theirs")
        cls.server = cls.ours.make("server")
        cls.client = cls.ours.make("client")
        cls.stranger = cls.theirs.make("stranger")

    def start(self, auth):
        server = Server(self.dir, "prometheus", *self.server, self.ours.ca, auth)
        self.addCleanup(server.stop, 9)
        return server

    def ask(self, server, path, pair=None, *args):
        pair = ["--cert", pair[0], "--key", pair[1]] if pair else []
        return server.curl(path, "--cacert", self.ours.ca, *pair, *args)[0]

    def test_some_paths_want_a_certificate(self):
        server = self.start("optional")
        for path in ("/healthz", "/version"):
            self.assertEqual(self.ask(server, path), 200, path)
            self.assertEqual(self.ask(server, path, self.client), 200, path)
        for path in ("/metrics", "/logspec", "/echo/a"):
            self.assertEqual(self.ask(server, path), 401, path)
            self.assertEqual(self.ask(server, path, self.client), 200, path)
        self.assertEqual(self.ask(server, "/logspec", None, "-X", "PUT", "-d", '{"spec":"debug"}'),
                         401)
        self.assertEqual(self.ask(server, "/logspec", self.client, "-X", "PUT", "-d",
                                  '{"spec":"debug"}'), 204)
        self.assertEqual(self.ask(server, "/nothing"), 404)

    def test_a_strangers_certificate_ends_the_handshake(self):
        for auth in ("optional", "required"):
            server = self.start(auth)
            self.assertEqual(self.ask(server, "/healthz", self.stranger), 0)
            for version in ("--tlsv1.2", "--tlsv1.3"):
                self.assertEqual(self.ask(server, "/metrics", self.stranger, version, "--tls-max",
                                          version[-3:]), 0)

    def test_with_client_authentication_nobody_comes_in_without(self):
        server = self.start("required")
        for path in ("/healthz", "/version", "/metrics"):
            self.assertEqual(self.ask(server, path), 0, path)
            self.assertEqual(self.ask(server, path, self.client), 200, path)
            self.assertEqual(self.ask(server, path, self.client, "--tls-max", "1.2"), 200, path)

    def test_old_versions_of_tls_are_refused(self):
        server = self.start("optional")
        self.assertEqual(self.ask(server, "/version", None, "--tls-max", "1.1", "--ciphers",
                                  "DEFAULT@SECLEVEL=0"), 0)

    def test_a_handshake_that_stops_halfway_keeps_nobody_out(self):
        server = self.start("optional")
        begun = []
        for _ in range(20):
            s = socket.create_connection(("localhost", server.port))
            s.sendall(b"\x16\x03\x01\x02\x00\x01")
            begun.append(s)
        before = time.monotonic()
        self.assertEqual(self.ask(server, "/healthz"), 200)
        self.assertLess(time.monotonic() - before, 5)
        for s in begun:
            s.close()


if __name__ == "__main__":
    unittest.main()
