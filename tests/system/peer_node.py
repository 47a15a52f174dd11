"""A peer of Org1 over the fixtures' certificates, its command line, and an orderer that does
as it is told."""

import json
import pathlib
import queue
import re
import subprocess
import threading
import urllib.error
import urllib.request
from concurrent import futures

import grpc

import wire
from fabric_network import ORDERER, free_port
from harness import BIN, Process, ROOT, fixture
from wire import data, field, number

ORG1 = "crypto/peerOrganizations/org1.example.com"
PEER = f"{ORG1}/peers/peer0.org1.example.com"
CONFIGURED_ORDERER = "127.0.0.1:21450"  # what the fixtures' configuration says
LAST = 78


def recorded():
    """The fixtures' blocks as the real peer kept them."""
    return json.loads(fixture("ledger-small/chaininfo.json").read_text())["blocks"]


class Peer:
    """A running peer: `with Peer(folder, "127.0.0.1:7050") as p: p.join()`.

    folder: where its ledger lies and stays; orderer: where it goes instead of the configured
    address."""

    def __init__(self, folder, orderer, env=None):
        node = fixture(PEER)
        self.folder = pathlib.Path(folder)
        self.address = f"127.0.0.1:{free_port()}"
        self.operations = f"127.0.0.1:{free_port()}"
        ca = fixture(ORDERER) / "tls/ca.crt"
        whole = {
            "FABRIC_CFG_PATH": str(ROOT / "sampleconfig"),
            "CORE_PEER_ID": "peer0.org1.example.com",
            "CORE_PEER_NETWORKID": "test",
            "CORE_PEER_LISTENADDRESS": self.address,
            "CORE_PEER_ADDRESS": self.address,
            "CORE_PEER_LOCALMSPID": "Org1MSP",
            "CORE_PEER_MSPCONFIGPATH": str(node / "msp"),
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_TLS_CERT_FILE": str(node / "tls/server.crt"),
            "CORE_PEER_TLS_KEY_FILE": str(node / "tls/server.key"),
            "CORE_PEER_TLS_ROOTCERT_FILE": str(node / "tls/ca.crt"),
            "CORE_PEER_FILESYSTEMPATH": str(self.folder / "peer"),
            "CORE_LEDGER_SNAPSHOTS_ROOTDIR": str(self.folder / "peer/snapshots"),
            "CORE_OPERATIONS_LISTENADDRESS": self.operations,
            "CORE_METRICS_PROVIDER": "prometheus",
            "CORE_PEER_DELIVERYCLIENT_ADDRESSOVERRIDES":
                f"[{{from: '{CONFIGURED_ORDERER}', to: '{orderer}', caCertsFile: '{ca}'}}]",
        }
        self.env = whole | (env or {})
        self.process = None

    def start(self, before=""):
        """before: what a shell does first, such as "ulimit -f 300;"."""
        self.process = Process(["/bin/bash", "-c", f'{before} exec "$0" node start', BIN / "peer"],
                               env=self.env)
        return self

    def ready(self):
        self.process.wait_for(r"Started peer with ID=.*, .*, address=")
        return self

    def __enter__(self):
        return self.start().ready()

    def __exit__(self, *_):
        self.process.stop(9)

    def stop(self):
        return self.process.stop(15, timeout=20)

    def kill(self):
        self.process.stop(9)

    def cli(self, *args, user="Admin", check=True, certificate=False, env=None):
        """`peer ...` as somebody of Org1, asking this peer: (standard output, error)."""
        folder = fixture(f"{ORG1}/users/{user}@org1.example.com")
        env = (env or {}) | {
            "PATH": "/usr/bin:/bin",
            "FABRIC_CFG_PATH": str(ROOT / "sampleconfig"),
            "CORE_PEER_ADDRESS": self.address,
            "CORE_PEER_LOCALMSPID": "Org1MSP",
            "CORE_PEER_MSPCONFIGPATH": str(folder / "msp"),
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_TLS_ROOTCERT_FILE": str(fixture(PEER) / "tls/ca.crt"),
        }
        if certificate:
            env |= {
                "CORE_PEER_TLS_CLIENTAUTHREQUIRED": "true",
                "CORE_PEER_TLS_CLIENTCERT_FILE": str(folder / "tls/client.crt"),
                "CORE_PEER_TLS_CLIENTKEY_FILE": str(folder / "tls/client.key"),
            }
        done = subprocess.run([BIN / "peer", *map(str, args)], env=env, capture_output=True,
                              text=True, timeout=120, check=False, cwd=self.folder)
        if check and done.returncode != 0:
            raise AssertionError(done.stderr)
        return done

    def join(self, block=None, **how):
        return self.cli("channel", "join", "-b", block or fixture("genesis/mychannel.block"), **how)

    def wait_for_block(self, n, timeout=60):
        """Its commit hash."""
        match = self.process.wait_for(rf"\[mychannel\] Committed block \[{n}\] .*commitHash=\[(\w*)\]",
                                      timeout=timeout)
        return match.group(1)

    def get(self, path):
        """(status, body) of the operations endpoint."""
        try:
            with urllib.request.urlopen(f"http://{self.operations}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()

    def metric(self, name, channel="mychannel"):
        match = re.search(rf'^{name}{{channel="{channel}"}} (\S+)$', self.get("/metrics")[1], re.M)
        return float(match.group(1)) if match else None

    def ledger(self):
        return self.folder / "peer/ledgersData"


# ---- an orderer that does as it is told ------------------------------------------------


class Script:
    """What one stream gets: messages, and how it ends."""

    def __init__(self, *messages, hang=False, code=None):
        self.messages, self.hang, self.code = messages, hang, code


def block_message(block):
    return data(2, block)


def status_message(status):
    return number(1, status)


def blocks_from(first, last=LAST):
    """The orderer's blocks, as messages."""
    return [block_message(fixture(f"ledger-small/blocks-orderer/{n}.block").read_bytes())
            for n in range(first, last + 1)]


class FakeOrderer:
    """Serves AtomicBroadcast.Deliver at a fixed port.  Each stream takes the next of `scripts`
    (a Script, or a function of the block that is asked for to a Script); after the last one
    every stream gets all the blocks there are from where it asks."""

    def __init__(self, port=0):
        self.port = port or free_port()
        self.scripts = []
        self.requests = queue.Queue()
        self.stopping = threading.Event()
        self.server = None

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def start(self):
        tls = fixture(ORDERER) / "tls"
        self.stopping = threading.Event()
        self.server = grpc.server(futures.ThreadPoolExecutor(max_workers=8),
                                  options=[("grpc.so_reuseport", 0)])
        handler = grpc.stream_stream_rpc_method_handler(self._deliver)
        self.server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(
            "orderer.AtomicBroadcast", {"Deliver": handler}),))
        credentials = grpc.ssl_server_credentials(
            [((tls / "server.key").read_bytes(), (tls / "server.crt").read_bytes())])
        assert self.server.add_secure_port(self.address, credentials) == self.port
        self.server.start()
        return self

    def stop(self):
        self.stopping.set()
        self.server.stop(0).wait()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def _deliver(self, requests, context):
        envelope = next(requests)
        info = field(field(envelope, 1), 2)
        start = field(field(field(info, 1), 3, b""), 1, 0)
        self.requests.put((envelope, start))
        script = self.scripts.pop(0) if self.scripts else None
        if callable(script):
            script = script(start)
        if script is None:
            script = Script(*blocks_from(start), hang=True)
        yield from script.messages
        if script.hang:
            while context.is_active() and not self.stopping.wait(0.05):
                pass
        if script.code is not None:
            context.abort(script.code, "as told")
