"""A network of one orderer over the fixtures' certificates: who signs what, how
the orderer is started, Broadcast and Deliver by hand."""

import datetime
import os
import pathlib
import queue
import secrets
import shutil
import socket
import subprocess

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

import wire
from harness import BIN, Process, ROOT, fixture
from wire import data, field

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # of P-256

ORDERER_ORG = "crypto/ordererOrganizations/example.com"
ORDERER = f"{ORDERER_ORG}/orderers/orderer.example.com"

# ChannelHeader.type
MESSAGE, CONFIG, CONFIG_UPDATE, ENDORSER_TRANSACTION, SEEK = 0, 1, 2, 3, 5


class Identity:
    """Somebody who signs: an MSP folder of the fixtures and the MSP's name."""

    def __init__(self, folder, mspid):
        folder = fixture(folder)
        self.mspid = mspid
        self.cert = next((folder / "signcerts").iterdir()).read_bytes()
        key = next((folder / "keystore").iterdir()).read_bytes()
        self.key = serialization.load_pem_private_key(key, None)
        self.creator = data(1, mspid) + data(2, self.cert)

    def sign(self, message):
        signature = self.key.sign(message, ec.ECDSA(hashes.SHA256()))
        r, s = utils.decode_dss_signature(signature)
        return utils.encode_dss_signature(r, min(s, ORDER - s))

    def signature_header(self):
        return data(1, self.creator) + data(2, secrets.token_bytes(24))

    def envelope(self, header, content):
        payload = data(1, data(1, header) + data(2, self.signature_header())) + data(2, content)
        return data(1, payload) + data(2, self.sign(payload))

    def message(self, channel, content, kind=MESSAGE):
        return self.envelope(wire.channel_header(channel, kind=kind), content)

    def seek(self, channel, info):
        return self.envelope(wire.channel_header(channel), info)


def org(n, user="Admin"):
    name = f"org{n}.example.com"
    return Identity(f"crypto/peerOrganizations/{name}/users/{user}@{name}/msp", f"Org{n}MSP")


def until(n, seconds):
    """A client of organisation n whose certificate ends so many seconds from now."""
    who = org(n, "User1")
    ca = fixture(f"crypto/peerOrganizations/org{n}.example.com/ca")
    issuer = x509.load_pem_x509_certificate(next(ca.glob("*.pem")).read_bytes())
    key = serialization.load_pem_private_key((ca / "priv_sk").read_bytes(), None)
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    subject = x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "client"),
                         x509.NameAttribute(x509.NameOID.COMMON_NAME, "for a while")])
    cert = (x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.subject)
            .public_key(who.key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=2))
            .not_valid_after(now + datetime.timedelta(seconds=seconds))
            .sign(key, hashes.SHA256()))
    who.cert = cert.public_bytes(serialization.Encoding.PEM)
    who.creator = data(1, who.mspid) + data(2, who.cert)
    return who


def orderer_tls_pair(folder, name, key=None, days=30):
    """A certificate of the orderers' TLS authority, with its key: their paths."""
    ca = fixture(f"{ORDERER_ORG}/tlsca")
    issuer = x509.load_pem_x509_certificate(next(ca.glob("*.pem")).read_bytes())
    signer = serialization.load_pem_private_key((ca / "priv_sk").read_bytes(), None)
    old = x509.load_pem_x509_certificate(fixture(f"{ORDERER}/tls/server.crt").read_bytes())
    key = key or ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
    cert = (x509.CertificateBuilder().subject_name(old.subject).issuer_name(issuer.subject)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2))
            .not_valid_after(now + datetime.timedelta(days=days)))
    for extension in old.extensions:
        cert = cert.add_extension(extension.value, extension.critical)
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    pem = serialization.Encoding.PEM
    paths[0].write_bytes(cert.sign(signer, hashes.SHA256()).public_bytes(pem))
    paths[1].write_bytes(key.private_bytes(pem, serialization.PrivateFormat.PKCS8,
                                           serialization.NoEncryption()))
    return paths


def orderer_admin():
    return Identity(f"{ORDERER_ORG}/users/Admin@example.com/msp", "OrdererMSP")


def free_port():
    """A port that nobody has now; 0 would be Fabric's default to an orderer."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# WEFT_ORDERER=/path/to/orderer (with WEFT_ORDERER_CFG, the folder of its orderer.yaml) has
# the stories told of another orderer: what they say of ours, they say of the original.
PROGRAM = os.environ.get("WEFT_ORDERER", BIN / "orderer")
CONFIG_PATH = os.environ.get("WEFT_ORDERER_CFG", ROOT / "sampleconfig")


class Orderer:
    """A running orderer: `with Orderer(folder, "solo") as o: o.broadcast(...)`.

    folder: where its ledger lies and stays; genesis: "solo", "etcdraft", a path, or
    None for BootstrapMethod none."""

    def __init__(self, folder, genesis="etcdraft", env=None, program=None, port=0):
        node = fixture(ORDERER)
        self.folder = pathlib.Path(folder)
        self.port = port or free_port()
        self.tls_ca = (node / "tls/ca.crt").read_bytes()
        whole = {
            "FABRIC_CFG_PATH": str(CONFIG_PATH),
            "ORDERER_GENERAL_LISTENADDRESS": "127.0.0.1",
            "ORDERER_GENERAL_LISTENPORT": str(self.port),
            "ORDERER_GENERAL_LOCALMSPID": "OrdererMSP",
            "ORDERER_GENERAL_LOCALMSPDIR": str(node / "msp"),
            "ORDERER_GENERAL_TLS_ENABLED": "true",
            "ORDERER_GENERAL_TLS_CERTIFICATE": str(node / "tls/server.crt"),
            "ORDERER_GENERAL_TLS_PRIVATEKEY": str(node / "tls/server.key"),
            "ORDERER_GENERAL_TLS_ROOTCAS": f"[{node / 'tls/ca.crt'}]",
            "ORDERER_GENERAL_BOOTSTRAPMETHOD": "file" if genesis else "none",
            "ORDERER_FILELEDGER_LOCATION": str(self.folder / "ledger"),
            "ORDERER_OPERATIONS_LISTENADDRESS": "127.0.0.1:0",
            "ORDERER_CONSENSUS_WALDIR": str(self.folder / "wal"),
            "ORDERER_CONSENSUS_SNAPDIR": str(self.folder / "snap"),
        }
        if genesis:
            path = pathlib.Path(genesis)
            if not path.is_absolute():
                path = fixture(f"genesis/genesis-{genesis}.block")
            whole["ORDERER_GENERAL_BOOTSTRAPFILE"] = str(path)
        self.process = Process(program or [PROGRAM], env=whole | (env or {}))

    def ready(self):
        self.process.wait_for("Beginning to serve requests")
        self.address = f"127.0.0.1:{self.port}"
        return self

    def __enter__(self):
        return self.ready()

    def __exit__(self, *_):
        self.process.stop(9)

    def connect(self):
        return grpc.secure_channel(
            self.address, grpc.ssl_channel_credentials(self.tls_ca),
            [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)])

    def kill(self):
        self.process.stop(9)

    def stop(self):
        return self.process.stop(15, timeout=10)

    def submit(self, envelope):
        """(status, info) of one envelope on a stream of its own."""
        with self.connect() as channel:
            stream = Broadcast(channel)
            stream.send(envelope)
            return stream.read()

    def blocks(self, who, channel, start=wire.OLDEST, stop=wire.NEWEST, errors=0):
        """(blocks, status): what Deliver gives, each block's bytes."""
        with self.connect() as connection:
            stream = Deliver(connection)
            stream.ask(who.seek(channel, wire.seek(start, stop, errors=errors)))
            return stream.until_status()


class Broadcast:
    def __init__(self, channel, timeout=60):
        self.requests = queue.Queue()
        call = channel.stream_stream("/orderer.AtomicBroadcast/Broadcast")
        self.answers = call(iter(self.requests.get, None), timeout=timeout)

    def send(self, envelope):
        self.requests.put(envelope)

    def read(self):
        answer = next(self.answers)
        return field(answer, 1, 0), field(answer, 2, b"").decode()

    def done(self):
        self.requests.put(None)


class Deliver:
    def __init__(self, channel, timeout=60):
        self.requests = queue.Queue()
        call = channel.stream_stream("/orderer.AtomicBroadcast/Deliver")
        self.answers = call(iter(self.requests.get, None), timeout=timeout)

    def ask(self, envelope):
        self.requests.put(envelope)

    def read(self):
        return wire.read_deliver(next(self.answers))

    def until_status(self):
        blocks = []
        while True:
            answer = self.read()
            if answer[0] == "status":
                return blocks, answer[1]
            blocks.append(answer[2])


# ---- what is in a block ----------------------------------------------------------


def repeated(message, wanted):
    return [value for name, value in wire.fields(message) if name == wanted]


def envelopes(block):
    return repeated(field(block, 2, b""), 1)


def content(envelope):
    """Payload.data"""
    return field(field(envelope, 1, b""), 2, b"")


def channel_type(envelope):
    return field(field(field(field(envelope, 1, b""), 1, b""), 1, b""), 1, 0)


# ---- configuration ----------------------------------------------------------------


def signed_update(update, signers, channel):
    """The CONFIG_UPDATE envelope around a ConfigUpdate, sent by the first signer."""
    signatures = b""
    for who in signers:
        header = who.signature_header()
        signatures += data(2, data(1, header) + data(2, who.sign(header + update)))
    return signers[0].message(channel, data(1, update) + signatures, kind=CONFIG_UPDATE)


def channel_creation(signer):
    """The fixtures' creation of mychannel, signed."""
    made = fixture("genesis/mychannel.tx").read_bytes()
    update = field(content(made), 1)
    return signed_update(update, [signer], "mychannel")


def copy_ledger(to):
    """The fixtures' orderer folder: 79 blocks of mychannel, written by a Go orderer."""
    shutil.copytree(fixture("ledger-small/orderer"), pathlib.Path(to) / "ledger")
    subprocess.run(["chmod", "-R", "u+w", pathlib.Path(to) / "ledger"], check=True)
