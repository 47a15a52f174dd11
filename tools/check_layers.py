#!/usr/bin/env python3
"""Holds the list of layers in src/CMakeLists.txt against every #include."""
import pathlib
import re
import sys

src = pathlib.Path(__file__).resolve().parent.parent / "src"
layers = {}
for m in re.finditer(r"^weft_module\((\w+)([^)]*)\)", (src / "CMakeLists.txt").read_text(), re.M):
    words = re.split(r"\s+", m.group(2).strip())
    depends = words[words.index("DEPENDS") + 1:] if "DEPENDS" in words else []
    depends = depends[:next((i for i, w in enumerate(depends) if w in ("LIBS", "TSAN")), None)]
    later = [d for d in depends if d not in layers]
    if later:
        sys.exit(f"src/CMakeLists.txt: {m.group(1)} depends on {later}, which come after it")
    layers[m.group(1)] = set(depends) | {m.group(1)}

bad = 0
folders = {p.parent.name for p in src.glob("*/*.[ch]")}
for folder in sorted(folders - layers.keys()):
    print(f"src/{folder}: not a layer in src/CMakeLists.txt")
    bad += 1
for path in sorted(src.glob("*/*.[ch]")):
    for number, line in enumerate(path.read_text().splitlines(), 1):
        m = re.match(r'#include "(\w+)/', line)
        if m and m.group(1) in folders and m.group(1) not in layers.get(path.parent.name, ()):
            print(f"{path.relative_to(src.parent)}:{number}: {path.parent.name} may not include from {m.group(1)}")
            bad += 1
        if re.match(r"#include <openssl/", line) and path.parent.name not in ("crypto", "net"):
            print(f"{path.relative_to(src.parent)}:{number}: OpenSSL is for crypto/ and net/ only")
            bad += 1
        if "pthread_mutex" in line and path.name not in ("mailbox.c", "log.c", "jobs.c", "snapshot.c"):
            print(f"{path.relative_to(src.parent)}:{number}: a lock outside mailbox, log, jobs and snapshot")
            bad += 1
sys.exit(1 if bad else 0)
