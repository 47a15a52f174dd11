#!/usr/bin/env python3
"""Holds the table of docs/limits.md against src/base/limits.h: every limit has
its row, with its value."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
code = re.sub(r"/\*.*?\*/", "", (root / "src/base/limits.h").read_text(), flags=re.S)
page = (root / "docs/limits.md").read_text()


def value_of(text):
    """A number, or two with a shift or a product between them."""
    m = re.fullmatch(r"(\d+)(?: *(<<|\*) *(\d+))?", text.strip())
    if not m:
        sys.exit(f"src/base/limits.h: can't work out {text.strip()}")
    a, op, b = int(m.group(1)), m.group(2), int(m.group(3) or 0)
    return a << b if op == "<<" else a * b if op == "*" else a


limits = {name: value_of(text) for name, text in re.findall(r"\b(LIMIT_\w+) = ([^,]+),", code)}
rows = {name: int(text) for name, text in re.findall(r"^\| `(LIMIT_\w+)` \| (\d+)", page, re.M)}
bad = [f"docs/limits.md: no row for {n} ({v})" for n, v in limits.items() if n not in rows]
bad += [f"docs/limits.md: {n} is no limit" for n in rows if n not in limits]
bad += [f"docs/limits.md: {n} is {limits[n]}, not {v}" for n, v in rows.items()
        if limits.get(n, v) != v]
print("\n".join(bad), end="\n" if bad else "")
sys.exit(1 if bad else 0)
