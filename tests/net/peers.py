"""What the stories about src/net share: certificates, our echo server and
client, grpcio's."""
import os
import subprocess
import sys
import tempfile

BIN = os.environ["WEFT_TEST_BIN"]
HERE = os.path.dirname(os.path.abspath(__file__))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def has_sanitizer():
    """Its shadow and what it keeps back from freeing are no measure of our memory."""
    server = read(os.path.join(BIN, "echo_server"))
    return b"__tsan_init" in server or b"__asan_init" in server


def openssl(*args):
    subprocess.run(["openssl", *args], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)


class Certificates:
    """ca.pem signs cert.pem (server) and client.pem; other.pem signs nobody."""

    def __init__(self):
        self.folder = tempfile.TemporaryDirectory(prefix="weft-net-")
        self.dir = self.folder.name
        for name in ("ca", "other"):
            self.key_and(name, "req", "-x509", "-days", "2", "-subj", "/CN=" + name)
        self.issue("cert", "subjectAltName=DNS:localhost,DNS:echo.example.com,IP:127.0.0.1,IP:::1")
        self.issue("client", "subjectAltName=DNS:client.example.com")

    def path(self, name):
        return os.path.join(self.dir, name)

    def key_and(self, name, *args):
        key = "key.pem" if name == "cert" else name + "-key.pem"
        openssl(*args, "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", self.path(key), "-out", self.path(name + ".pem"))

    def issue(self, name, extension):
        self.key_and(name, "req", "-subj", "/CN=" + name)
        with open(self.path("ext"), "w") as f:
            f.write(extension + "\nextendedKeyUsage=serverAuth,clientAuth\n")
        openssl("x509", "-req", "-days", "2", "-in", self.path(name + ".pem"),
                "-CA", self.path("ca.pem"), "-CAkey", self.path("ca-key.pem"), "-CAcreateserial",
                "-extfile", self.path("ext"), "-out", self.path(name + ".pem"))

    def close(self):
        self.folder.cleanup()

    def server_args(self, client_auth="none"):
        return ["--cert", self.path("cert.pem"), "--key", self.path("key.pem"),
                "--roots", self.path("ca.pem"), "--client-auth", client_auth]

    def client_args(self, with_cert=False):
        pair = ["--cert", self.path("client.pem"), "--key", self.path("client-key.pem")]
        return ["--roots", self.path("ca.pem")] + (pair if with_cert else [])


def tls12_only(certs):
    """An environment in which OpenSSL stops at TLS 1.2."""
    conf = certs.path("tls12.cnf")
    with open(conf, "w") as f:
        f.write("openssl_conf = o\n[o]\nssl_conf = s\n[s]\nsystem_default = d\n"
                "[d]\nMaxProtocol = TLSv1.2\n")
    return dict(os.environ, OPENSSL_CONF=conf)


class Process:
    """A server that says where it listens in its first line."""

    def __init__(self, argv, env=None):
        # What AddressSanitizer keeps back after free() is no growth of ours.
        env = dict(env or os.environ)
        env.setdefault("ASAN_OPTIONS", "quarantine_size_mb=4")
        self.child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      text=True, env=env)
        line = self.child.stdout.readline()
        self.address = line.split()[-1] if line else None
        self.port = int(self.address.rsplit(":", 1)[1])

    def order(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def stop(self):
        """Ends it in its regular way; True if it ended well."""
        out, _ = self.child.communicate(timeout=60)
        return self.child.returncode == 0 and "stopped" in out

    def memory_kb(self):
        if has_sanitizer():
            return 0
        with open("/proc/%d/status" % self.child.pid) as f:
            return int(f.read().split("VmRSS:")[1].split()[0])

    def cpu_seconds(self):
        with open("/proc/%d/stat" % self.child.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def open_files(self):
        return len(os.listdir("/proc/%d/fd" % self.child.pid))


def echo_server(*args, env=None):
    return Process([os.path.join(BIN, "echo_server"), *args], env)


def grpcio_server(directory=None):
    return Process(["/usr/bin/python3", os.path.join(HERE, "grpcio_server.py")] +
                   ([directory] if directory else []))


def echo_client(*args, env=None, timeout=120):
    """Its output lines."""
    done = subprocess.run([os.path.join(BIN, "echo_client"), *map(str, args)], env=env,
                          stdout=subprocess.PIPE, text=True, timeout=timeout)
    if done.returncode not in (0, 1):
        print(done.stdout, file=sys.stderr)
        raise RuntimeError("echo_client ended with %d" % done.returncode)
    return done.stdout.splitlines()
