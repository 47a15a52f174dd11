"""HTTP/2 frames by hand, for peers that do not behave."""
import socket
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST, SETTINGS, PUSH, PING, GOAWAY, WINDOW, CONT = range(10)
END_STREAM, ACK, END_HEADERS = 1, 1, 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + \
        struct.pack(">I", stream) + payload


def literal(name, value):
    def text(s):
        assert len(s) < 127
        return bytes([len(s)]) + s.encode()
    return b"\0" + text(name) + text(value)


def request_block(path):
    return b"\x83\x86" + literal(":path", path) + literal(":authority", "a") + \
        literal("content-type", "application/grpc") + literal("te", "trailers")


def request(stream, path, end=False):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, request_block(path))


def message(data):
    return b"\0" + struct.pack(">I", len(data)) + data


def setting(number, value):
    return struct.pack(">HI", number, value)


def connect(port, greet=True, settings=b"", receive_buffer=None):
    s = socket.socket()
    if receive_buffer:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    s.settimeout(5)
    s.connect(("127.0.0.1", port))
    if greet:
        s.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
    return s


def goaway_error(s, patience=5):
    """Reads to the end; the error code of the last GOAWAY, None if there was none."""
    got, until = b"", time.monotonic() + patience
    s.settimeout(0.2)
    while time.monotonic() < until:
        try:
            piece = s.recv(65536)
        except socket.timeout:
            continue
        except OSError:
            break
        if not piece:
            break
        got += piece
    error = None
    while len(got) >= 9:
        n = int.from_bytes(got[:3], "big")
        if got[3] == GOAWAY and len(got) >= 17:
            error = int.from_bytes(got[13:17], "big")
        got = got[9 + n:]
    return error


def is_closed(s, patience=5):
    """The peer ends the connection within that time."""
    until = time.monotonic() + patience
    s.settimeout(0.2)
    while time.monotonic() < until:
        try:
            if not s.recv(65536):
                return True
        except socket.timeout:
            continue
        except OSError:
            return True
    return False
