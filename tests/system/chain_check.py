"""Holds an orderer's block files against each other.  Knows the format of the
files (a record is a varint length and: number, data hash, previous hash, envelopes,
metadata) and of the header's DER form, and nothing of the orderer."""

import hashlib
import pathlib


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
