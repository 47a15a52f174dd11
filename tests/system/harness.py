"""What the system tests share: programs, folders, certificates, waiting.

Tests wait for facts (a log line, a port, a value), never for time."""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("WEFT_BIN", ROOT / "build/bin"))
TEST_BIN = pathlib.Path(os.environ.get("WEFT_TEST_BIN", ROOT / "build/release/tests"))
SHARED = pathlib.Path(os.environ.get("WEFT_SHARED", ROOT.parent / "shared"))
FIXTURES = SHARED / "fixtures"

SANITIZED = any(name in (BIN / "orderer").read_bytes() for name in (b"__asan_init", b"__tsan_init"))


def fixture(path):
    """A file beside the project; skips the test where it is absent."""
    whole = FIXTURES / path
    if not whole.exists():
        raise unittest.SkipTest(f"no fixture {path} beside the project")
    return whole


def wait_until(fact, timeout=20, what="it"):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if fact():
            return
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true within {timeout} s")


class Folder:
    """A temporary folder: with Folder() as dir."""

    def __enter__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="weft-test-"))
        return self.path

    def __exit__(self, *_):
        subprocess.run(["chmod", "-R", "u+w", self.path], check=False)
        shutil.rmtree(self.path)


def weft(*args, **kwargs):
    """Runs `weft ...`; returns the finished process with text output."""
    return subprocess.run([BIN / "weft", *map(str, args)], capture_output=True, text=True,
                          timeout=120, check=False, **kwargs)


class Process:
    """A program that runs until it is stopped; its standard error is kept."""

    def __init__(self, argv, env=None, cwd=None, stdin=subprocess.DEVNULL,
                 stdout=subprocess.DEVNULL):
        self.lines = []
        self.changed = threading.Condition()
        whole = {k: v for k, v in os.environ.items()
                 if not k.startswith(("ORDERER_", "CORE_", "FABRIC_"))}
        whole.update(env or {})
        self.popen = subprocess.Popen([str(a) for a in argv], env=whole, cwd=cwd, text=True,
                                      errors="replace", stdin=stdin,
                                      stdout=stdout, stderr=subprocess.PIPE)
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self):
        for line in self.popen.stderr:
            with self.changed:
                self.lines.append(re.sub(r"\x1b\[[0-9;]*m", "", line.rstrip("\n")))
                self.changed.notify_all()
        with self.changed:
            self.lines.append(None)
            self.changed.notify_all()

    def wait_for(self, pattern, timeout=20):
        """The first line that matches; its match."""
        end = time.monotonic() + timeout
        seen = 0
        with self.changed:
            while True:
                for line in self.lines[seen:]:
                    match = re.search(pattern, line) if line is not None else None
                    if match:
                        return match
                    if line is None:
                        raise AssertionError(f"ended before it said {pattern!r}:\n{self.log()}")
                seen = len(self.lines)
                left = end - time.monotonic()
                if left <= 0 or not self.changed.wait(left):
                    raise AssertionError(f"did not say {pattern!r}:\n{self.log()}")

    def log(self):
        return "\n".join(line for line in self.lines if line is not None)

    def stop(self, signal=15, timeout=20):
        """Its exit status."""
        if self.popen.poll() is None:
            self.popen.send_signal(signal)
        status = self.popen.wait(timeout)
        self.reader.join(timeout)
        self.popen.stderr.close()
        if self.popen.stdin is not None:
            self.popen.stdin.close()
        return status

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop(9)


class Certificates:
    """A certificate authority and pairs for 127.0.0.1, made with openssl."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                      "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "30",
                      "-subj", "/CN=test ca")

    def _openssl(self, *args):
        subprocess.run(["openssl", *args], cwd=self.folder, check=True, capture_output=True)

    def make(self, name):
        """Returns the paths of a new certificate and its key."""
        extensions = self.folder / "san.cnf"
        extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        self._openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                      "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        self._openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                      "-CAcreateserial", "-days", "30", "-out", f"{name}.pem",
                      "-extfile", "san.cnf")
        return self.folder / f"{name}.pem", self.folder / f"{name}.key"

    @property
    def ca(self):
        return self.folder / "ca.pem"
