"""What a peer has to say to the transactions of a chain: a validator in small, which
shares no code with anything of ours.  It knows signatures, endorsements by peers, read
versions (public and hashed), and who writes for whom in _lifecycle; no ranges, no key
level policies, no capabilities.

    for tx_id, code in judge(read_chain(folder), lambda orgs: len(orgs) == 2): ..."""

import hashlib

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from wire import field, fields

VALID, CONFLICT, POLICY = "VALID", "MVCC_READ_CONFLICT", "ENDORSEMENT_POLICY_FAILURE"
ENDORSER_TRANSACTION = 3
UNIT = x509.NameOID.ORGANIZATIONAL_UNIT_NAME
IMPLICIT = "_implicit_org_"


class Identities:
    """Certificates that were read before."""

    def __init__(self):
        self.known = {}

    def get(self, serialized):
        if serialized not in self.known:
            cert = x509.load_pem_x509_certificate(field(serialized, 2))
            units = {a.value for a in cert.subject.get_attributes_for_oid(UNIT)}
            self.known[serialized] = (field(serialized, 1).decode(), units, cert.public_key())
        return self.known[serialized]

    def signed(self, serialized, message, signature):
        try:
            self.get(serialized)[2].verify(signature, message, ec.ECDSA(hashes.SHA256()))
            return True
        except InvalidSignature:
            return False


def all_of(message, number):
    return [value for name, value in fields(message) if name == number]


def version_of(read):
    version = field(read, 2)
    return None if version is None else (field(version, 1, 0), field(version, 2, 0))


class Transaction:
    def __init__(self, envelope, identities):
        payload, signature = field(envelope, 1), field(envelope, 2)
        header = field(payload, 1)
        channel, signer = field(header, 1), field(header, 2)
        self.kind = field(channel, 1, 0)
        self.tx_id = field(channel, 5, b"").decode()
        if self.kind != ENDORSER_TRANSACTION:
            return
        creator = field(signer, 1)
        assert identities.signed(creator, payload, signature), f"{self.tx_id}: its creator"
        assert hashlib.sha256(field(signer, 2) + creator).hexdigest() == self.tx_id
        action = field(field(field(payload, 2), 1), 2)
        endorsed = field(action, 2)
        response = field(endorsed, 1)
        asked = hashlib.sha256(channel + signer + field(action, 1)).digest()
        assert field(response, 1) == asked, f"{self.tx_id}: another proposal"
        self.endorsers = {
            identities.get(field(e, 1))[0] for e in all_of(endorsed, 2)
            if "peer" in identities.get(field(e, 1))[1]
            and identities.signed(field(e, 1), response + field(e, 1), field(e, 2))}
        self._read_sets(field(field(response, 2), 1, b""))

    def _read_sets(self, results):
        """reads: {place: version}; writes: places.  A place is (namespace, collection, key)."""
        self.reads, self.writes = {}, []
        for space in all_of(results, 2):
            name = field(space, 1).decode()
            self._add(field(space, 2, b""), (name, ""), 1, 3)
            for collection in all_of(space, 3):
                self._add(field(collection, 2, b""), (name, field(collection, 1).decode()), 1, 2)

    def _add(self, rwset, place, reads, writes):
        for read in all_of(rwset, reads):
            self.reads[(*place, field(read, 1))] = version_of(read)
        self.writes += [(*place, field(write, 1)) for write in all_of(rwset, writes)]

    def is_endorsed(self, policy):
        for space, collection, _ in self.writes:
            if collection.startswith(IMPLICIT):
                good = collection[len(IMPLICIT):] in self.endorsers
            else:
                good = len(self.endorsers) == 2 if space == "_lifecycle" else policy(self.endorsers)
            if not good:
                return False
        return True


def judge(blocks, policy):
    """[(tx id, code)] of all endorser transactions; policy is given the MSP names of those
    whose endorsements are good."""
    state, identities, codes = {}, Identities(), []
    for number, envelopes in blocks:
        for place, envelope in enumerate(envelopes):
            tx = Transaction(envelope, identities)
            if tx.kind != ENDORSER_TRANSACTION:
                continue
            code = VALID
            if not tx.is_endorsed(policy):
                code = POLICY
            elif any(state.get(key) != version for key, version in tx.reads.items()):
                code = CONFLICT
            else:
                state.update({key: (number, place) for key in tx.writes})
            codes.append((tx.tx_id, code))
    return codes
