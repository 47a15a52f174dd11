"""Proposals to a peer, transactions of what it answered, and _lifecycle's messages, by hand."""

import hashlib
import secrets
import time

import grpc

import wire
from wire import data, field, number

ENDORSER_TRANSACTION = 3


class Proposal:
    """A signed call of a chaincode: `.signed` goes to peers, `.transaction(answers)` to the
    orderer."""

    def __init__(self, who, channel, chaincode, *args):
        nonce = secrets.token_bytes(24)
        self.who = who
        self.tx_id = hashlib.sha256(nonce + who.creator).hexdigest()
        now = time.time()
        name = data(2, chaincode)
        header = (number(1, ENDORSER_TRANSACTION) +
                  data(3, number(1, int(now)) + number(2, int(now % 1 * 1e9))) + data(4, channel) +
                  data(5, self.tx_id) + data(7, data(2, name)))
        self.signer = data(1, who.creator) + data(2, nonce)
        self.header = data(1, header) + data(2, self.signer)
        call = b"".join(data(1, arg) for arg in args)
        self.content = data(1, data(1, number(1, 1) + data(2, name) + data(3, call)))
        proposal = data(1, self.header) + data(2, self.content)
        self.signed = data(1, proposal) + data(2, who.sign(proposal))

    def endorsed_by(self, peer, version, writes):
        """A transaction of what no peer has run: the chaincode wrote these keys, says `peer`."""
        name = field(field(field(self.content, 1), 1), 2)
        rwset = b"".join(data(3, data(1, key) + data(3, value)) for key, value in writes.items())
        results = data(2, data(1, field(name, 2)) + data(2, rwset))
        action = (data(1, results) + data(3, number(1, 200)) +
                  data(4, name + data(3, version)))
        parts = [field(self.header, 1), self.signer, self.content]
        payload = data(1, hashlib.sha256(b"".join(parts)).digest()) + data(2, action)
        signature = peer.sign(payload + peer.creator)
        return self.around(payload, [data(1, peer.creator) + data(2, signature)])

    def transaction(self, answers):
        return self.around(answers[0].payload, [a.endorsement for a in answers])

    def around(self, payload, endorsements):
        action = data(1, payload) + b"".join(data(2, e) for e in endorsements)
        call = data(1, self.content) + data(2, action)
        transaction = data(1, data(1, self.signer) + data(2, call))
        content = data(1, self.header) + data(2, transaction)
        return data(1, content) + data(2, self.who.sign(content))


class Answer:
    """A peer's ProposalResponse."""

    def __init__(self, message):
        response = field(message, 4)
        self.status = field(response, 1, 0)
        self.message = field(response, 2, b"").decode()
        self.result = field(response, 3, b"")
        self.payload = field(message, 5, b"")
        self.endorsement = field(message, 6)


def ask(address, ca, proposal):
    """What the peer at the address says to it."""
    with grpc.secure_channel(address, grpc.ssl_channel_credentials(ca)) as connection:
        call = connection.unary_unary("/protos.Endorser/ProcessProposal")
        return Answer(call(proposal.signed, timeout=30))


def definition(name, sequence=1, version="1.0", package=None, validation=None):
    """The arguments of approving (with a package), committing and checking."""
    out = number(1, sequence) + data(2, name) + data(3, version)
    out += data(5, validation) if validation else b""
    return out + (data(9, data(2, data(1, package))) if package else b"")


def approvals(result, where=1):
    """{"Org1MSP": True, ...} of a map field."""
    entries = [value for name, value in wire.fields(result) if name == where]
    return {field(e, 1).decode(): bool(field(e, 2, 0)) for e in entries}
