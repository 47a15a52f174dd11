"""A network of our own making: identities and first blocks by cryptogen and
configtxgen, its nodes on free ports.  Python's standard library only: the demo
uses it, too.

    net = MadeNetwork(folder)
    orderer = net.start_orderer()
    net.create_channel()                     peer channel create, as Org1's admin
    net.peer("channel", "fetch", "config", ..., org=2)
"""

import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess

from harness import BIN, Process, ROOT

CHANNEL = "mychannel"
SAMPLES = ROOT / "sampleconfig"
ORGS = (1, 2)


def free_ports(count):
    """Ports that nobody has now, none of them twice; not of those that clients get, which
    could take one while its node is away."""
    ports = []
    for port in random.sample(range(10000, 32000), 1000):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise AssertionError("there are no free ports")


class MadeNetwork:
    """solo or etcdraft, two organisations with a peer each; the channel CHANNEL by a
    system channel, or its first block for orderers without one."""

    def __init__(self, folder, consensus="etcdraft", changes=()):
        self.folder = pathlib.Path(folder)
        self.running = set()
        ports = free_ports(2 + 3 * len(ORGS))
        self.orderer_port, self.orderer_operations = ports[:2]
        self.peer_ports = {n: ports[2 + 3 * i:5 + 3 * i] for i, n in enumerate(ORGS)}
        self._write_configtx(changes)
        shutil.copy(SAMPLES / "crypto-config.yaml", self.folder)
        self.run("cryptogen", "generate", "--config=crypto-config.yaml", "--output=crypto")
        profile = {"solo": "SoloGenesis", "etcdraft": "RaftGenesis"}[consensus]
        self.configtxgen(profile, "system-channel", "-outputBlock", "genesis.block")
        self.configtxgen("TwoOrgsChannel", CHANNEL, "-outputCreateChannelTx", f"{CHANNEL}.tx")

    def _write_configtx(self, changes):
        text = (SAMPLES / "configtx.yaml").read_text()
        for old, new in (("7050", self.orderer_port), ("Port: 7051", f"Port: {self.peer_ports[1][0]}"),
                         ("Port: 9051", f"Port: {self.peer_ports[2][0]}"), *changes):
            assert old in text, old
            text = text.replace(old, str(new))
        (self.folder / "configtx.yaml").write_text(text)

    # ---- programs that end --------------------------------------------------------------

    def run(self, program, *args, env=None, ok=True, timeout=60):
        whole = {k: v for k, v in os.environ.items()
                 if not k.startswith(("ORDERER_", "CORE_", "FABRIC_"))}
        argv = [str(BIN / program), *map(str, args)]
        with subprocess.Popen(argv, cwd=self.folder, text=True, env={**whole, **(env or {})},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            self.running.add(process)
            try:
                out, errors = process.communicate(timeout=timeout)
            finally:
                process.kill()
                self.running.discard(process)
        if ok and process.returncode != 0:
            raise AssertionError(f"{program} {' '.join(map(str, args))}: {errors}")
        return subprocess.CompletedProcess(argv, process.returncode, out, errors)

    def kill_running(self):
        """Programs that other threads wait for."""
        for process in list(self.running):
            process.kill()

    def configtxgen(self, profile, channel, *args):
        self.run("configtxgen", "-configPath", ".", "-profile", profile, "-channelID", channel,
                 *args)

    def peer(self, *args, org=1, **kwargs):
        """The CLI as an organisation's admin, towards its peer."""
        return self.run("peer", *args, env=self.admin(org), **kwargs)

    def create_channel(self):
        self.peer("channel", "create", "-c", CHANNEL, "-f", f"{CHANNEL}.tx", *self.to_orderer())

    def bench_chain(self, *args, timeout=120, ok=True):
        return self.run("weft", "bench", "chain", "-c", CHANNEL, "--crypto", "crypto",
                        "--genesis", f"{CHANNEL}.block", *args, timeout=timeout, ok=ok)

    # ---- where things are -----------------------------------------------------------------

    def orderer_node(self):
        return self.folder / "crypto/ordererOrganizations/example.com/orderers/orderer.example.com"

    def org(self, n):
        return self.folder / f"crypto/peerOrganizations/org{n}.example.com"

    def peer_node(self, n):
        return self.org(n) / f"peers/peer0.org{n}.example.com"

    def to_orderer(self):
        return ("-o", f"127.0.0.1:{self.orderer_port}", "--tls", "--cafile",
                self.orderer_node() / "tls/ca.crt")

    def admin(self, n):
        return {
            "FABRIC_CFG_PATH": str(SAMPLES),
            "CORE_PEER_ADDRESS": f"127.0.0.1:{self.peer_ports[n][0]}",
            "CORE_PEER_LOCALMSPID": f"Org{n}MSP",
            "CORE_PEER_MSPCONFIGPATH": str(self.org(n) / f"users/Admin@org{n}.example.com/msp"),
            "CORE_PEER_TLS_ENABLED": "true",
            "CORE_PEER_TLS_ROOTCERT_FILE": str(self.peer_node(n) / "tls/ca.crt"),
        }

    # ---- nodes ---------------------------------------------------------------------------------

    def start_orderer(self, program=BIN / "orderer", **env):
        tls = self.orderer_node() / "tls"
        whole = {
            "FABRIC_CFG_PATH": str(SAMPLES),
            "FABRIC_LOGGING_FORMAT": "%{message}",
            "ORDERER_GENERAL_LISTENADDRESS": "127.0.0.1",
            "ORDERER_GENERAL_LISTENPORT": str(self.orderer_port),
            "ORDERER_GENERAL_LOCALMSPID": "OrdererMSP",
            "ORDERER_GENERAL_LOCALMSPDIR": str(self.orderer_node() / "msp"),
            "ORDERER_GENERAL_TLS_ENABLED": "true",
            "ORDERER_GENERAL_TLS_CERTIFICATE": str(tls / "server.crt"),
            "ORDERER_GENERAL_TLS_PRIVATEKEY": str(tls / "server.key"),
            "ORDERER_GENERAL_TLS_ROOTCAS": f"[{tls / 'ca.crt'}]",
            "ORDERER_GENERAL_BOOTSTRAPMETHOD": "file",
            "ORDERER_GENERAL_BOOTSTRAPFILE": str(self.folder / "genesis.block"),
            "ORDERER_FILELEDGER_LOCATION": str(self.folder / "orderer"),
            "ORDERER_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{self.orderer_operations}",
            "ORDERER_CONSENSUS_WALDIR": str(self.folder / "wal"),
            "ORDERER_CONSENSUS_SNAPDIR": str(self.folder / "snap"),
        }
        return self._start([program], whole | env, r"Beginning to serve requests")

    def _start(self, argv, env, ready):
        process = Process(argv, env=env, cwd=self.folder)
        try:
            process.wait_for(ready)
        except BaseException:  # an interrupt, too: nobody else knows of it yet
            process.stop(9)
            raise
        return process

    def peer_env(self, n):
        tls = self.peer_node(n) / "tls"
        address = f"127.0.0.1:{self.peer_ports[n][0]}"
        return self.admin(n) | {
            "FABRIC_LOGGING_FORMAT": "%{message}",
            "CORE_PEER_ID": f"peer0.org{n}.example.com",
            "CORE_PEER_LISTENADDRESS": address,
            "CORE_PEER_CHAINCODELISTENADDRESS": f"127.0.0.1:{self.peer_ports[n][1]}",
            "CORE_PEER_MSPCONFIGPATH": str(self.peer_node(n) / "msp"),
            "CORE_PEER_FILESYSTEMPATH": str(self.folder / f"peer{n}"),
            "CORE_PEER_TLS_CERT_FILE": str(tls / "server.crt"),
            "CORE_PEER_TLS_KEY_FILE": str(tls / "server.key"),
            "CORE_PEER_GOSSIP_EXTERNALENDPOINT": address,
            "CORE_PEER_GOSSIP_BOOTSTRAP": address,
            "CORE_PEER_GOSSIP_USELEADERELECTION": "false",
            "CORE_PEER_GOSSIP_ORGLEADER": "true",
            "CORE_PEER_GOSSIP_PVTDATA_PULLRETRYTHRESHOLD": "0s",
            "CORE_OPERATIONS_LISTENADDRESS": f"127.0.0.1:{self.peer_ports[n][2]}",
        }

    def start_peer(self, n, program=BIN / "peer", **env):
        return self._start([program, "node", "start"], self.peer_env(n) | env,
                           r"Started peer with ID=\[")

    def chain_info(self, n, ok=True):
        """{"height": ..., "currentBlockHash": ...} of the peer, as it says; None: it does not."""
        done = self.peer("channel", "getinfo", "-c", CHANNEL, org=n, ok=ok)
        said = re.search(r"Blockchain info: (\{.*\})", done.stdout)
        return json.loads(said.group(1)) if said else None
