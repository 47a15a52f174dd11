"""Protobuf by hand: enough to write requests and read answers, so that the
tests share no code with what they test."""

import time


def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def number(field, n):
    return varint(field << 3) + varint(n)


def data(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def fields(message):
    """[(field, value)]: int for varints, bytes for the rest."""
    at, out = 0, []

    def take_varint():
        nonlocal at
        n = shift = 0
        while True:
            byte = message[at]
            at += 1
            n |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return n

    while at < len(message):
        tag = take_varint()
        if tag & 7 == 0:
            out.append((tag >> 3, take_varint()))
        else:
            assert tag & 7 == 2, tag
            length = take_varint()
            out.append((tag >> 3, message[at:at + length]))
            at += length
    return out


def field(message, wanted, default=None):
    for name, value in fields(message):
        if name == wanted:
            default = value
    return default


def replaced(message, wanted, value):
    """The message with this in place of the field's value."""
    return b"".join(number(name, value if name == wanted else old) if isinstance(old, int) else
                    data(name, value if name == wanted else old) for name, old in fields(message))


# ---- Deliver -----------------------------------------------------------------

OLDEST, NEWEST, UNSET = data(2, b""), data(1, b""), b""
ALL = 2 ** 64 - 1


def at(n):
    return data(3, number(1, n) if n else b"")


def seek(start=None, stop=None, behavior=0, errors=0):
    """SeekInfo; None leaves a position out."""
    out = b"" if start is None else data(1, start)
    out += b"" if stop is None else data(2, stop)
    out += number(3, behavior) if behavior else b""
    return out + (number(4, errors) if errors else b"")


def channel_header(channel, kind=5, timestamp=None, tls_hash=b""):
    when = time.time() if timestamp is None else timestamp
    out = number(1, kind)
    out += data(3, number(1, int(when)) + number(2, int(when % 1 * 1e9)))
    out += data(4, channel)
    return out + (data(8, tls_hash) if tls_hash else b"")


def envelope(header, payload, creator=b"creator", signature=b"signature"):
    headers = data(1, header) + data(2, data(1, creator) + data(2, b"nonce"))
    return data(1, data(1, headers) + data(2, payload)) + data(2, signature)


def read_deliver(message):
    """("status", 200) or ("block", number, the block's bytes)."""
    (kind, value), = fields(message)
    if kind == 1:
        return "status", value
    return "block", field(field(value, 1), 1, 0), value
