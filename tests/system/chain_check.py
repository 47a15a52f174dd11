"""Holds an orderer's block files against each other.  Knows the format of the
files (a record is a varint length and: number, data hash, previous hash, envelopes,
metadata) and of the header's DER form, and nothing of the orderer."""

import hashlib
import pathlib

from wire import field, fields

CODES = {0: "VALID", 9: "DUPLICATE_TXID", 10: "ENDORSEMENT_POLICY_FAILURE",
         11: "MVCC_READ_CONFLICT"}
CONFIG = 1  # ChannelHeader.type


def varint(raw, at):
    n = shift = 0
    while True:
        byte = raw[at]
        at += 1
        n |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return n, at


def taken(raw, at):
    n, at = varint(raw, at)
    return raw[at:at + n], at + n


def der(number, previous, data_hash):
    digits = number.to_bytes(number.bit_length() // 8 + 1, "big")
    body = b"\x02" + bytes([len(digits)]) + digits
    for part in (previous, data_hash):
        body += b"\x04" + bytes([len(part)]) + part
    return b"\x30" + bytes([len(body)]) + body


def read_chain(folder):
    """[(number, [envelope, ...])] of chains/<channel>; fails where it is no chain."""
    blocks, previous = [], b""
    for path in sorted(pathlib.Path(folder).glob("blockfile_*")):
        raw, at = path.read_bytes(), 0
        while at < len(raw):
            body, at = taken(raw, at)
            number, i = varint(body, 0)
            data_hash, i = taken(body, i)
            previous_hash, i = taken(body, i)
            count, i = varint(body, i)
            envelopes = []
            for _ in range(count):
                envelope, i = taken(body, i)
                envelopes.append(envelope)
            assert number == len(blocks), f"block {number} where {len(blocks)} should be"
            assert previous_hash == previous, f"block {number} does not follow"
            assert hashlib.sha256(b"".join(envelopes)).digest() == data_hash, f"block {number}"
            previous = hashlib.sha256(der(number, previous_hash, data_hash)).digest()
            blocks.append((number, envelopes))
    return blocks


class Block:
    """What there is to see in one block of a peer, as `weft ledger export` writes it."""

    def __init__(self, raw):
        header, data, metadata = (field(raw, n, b"") for n in (1, 2, 3))
        self.number = field(header, 1, 0)
        hashed = der(self.number, field(header, 2, b""), field(header, 3, b""))
        self.hash = hashlib.sha256(hashed).digest()
        slots = [value for _, value in fields(metadata)]
        self.flags = slots[2] if len(slots) > 2 else b""
        self.commit_hash = field(slots[4], 1, b"") if len(slots) > 4 else b""
        self.headers = [field(field(field(e, 1), 1), 1) for _, e in fields(data)]

    def transactions(self):
        """[(header type, tx id, code)]"""
        return [(field(h, 1, 0), field(h, 5, b"").decode(), CODES.get(flag, str(flag)))
                for h, flag in zip(self.headers, self.flags)]
