#!/usr/bin/env python3
"""Refuses a header without its first line, Owner, or with a wrong guard, and a
Go origin that is not a file of Fabric 2.2 (tools/fabric-2.2-files.txt)."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
known = set((root / "tools/fabric-2.2-files.txt").read_text().split())
bad = []
for path in sorted((root / "src").glob("*/*.h")) + sorted((root / "tests").glob("*.h")):
    name = path.relative_to(root)
    text = path.read_text()
    if not re.match(rf"/\* {re.escape(path.name)} - .", text):
        bad.append(f"{name}: must begin with '/* {path.name} - what it is for'")
    essay = text.split("*/", 1)[0]
    for word in ("Owner", "Go origin"):
        if not re.search(rf"^ \* {word}  ", essay, re.M):
            bad.append(f"{name}: no '{word}' line")
    m = re.search(r"^ \* Go origin   (.*(?:\n \* {13}.*)*)", essay, re.M)
    for origin in re.findall(r"[\w./-]+\.go\b", m.group(1)) if m else []:
        if "/" in origin and origin not in known:
            bad.append(f"{name}: Go origin {origin} is not a file of Fabric 2.2")
    where = path.relative_to(root / "src") if path.is_relative_to(root / "src") else name
    guard = "WEFT_" + re.sub(r"[^A-Z0-9]", "_", str(where).upper())
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        bad.append(f"{name}: include guard should be {guard}")
print("\n".join(bad), end="\n" if bad else "")
sys.exit(1 if bad else 0)
