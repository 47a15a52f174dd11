#!/usr/bin/env python3
"""Holds the table of docs/metrics.md against src/ops/metric_names.c: every
metric has its row, with its type and labels.  --write makes the table anew,
keeping which of them are counted today."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
code = (root / "src/ops/metric_names.c").read_text()
path = root / "docs/metrics.md"
page = path.read_text()

entry = re.compile(r'\[METRIC_\w+\] = \{\s*\.name = "(\w+)",\s*\.help = ((?:"[^"]*"\s*)+),\s*\.kind = METRIC_(\w+)([^}]*)', re.S)
metrics = {}
for name, help_, kind, rest in entry.findall(code):
    labels = re.search(r"LABELS\(\d+, ([^)]*)\)", rest)
    metrics[name] = (kind.lower(), ", ".join(re.findall(r'"(\w+)"', labels.group(1))) if labels else "",
                     "".join(re.findall(r'"([^"]*)"', help_)))

used = set()
for source in (root / "src").glob("*/*.c"):
    used |= {n.lower() for n in re.findall(r"METRIC(?:_OF)?\([^,;]*,\s*([A-Z][A-Z_]+)", source.read_text())}
    used |= {n.lower() for n in re.findall(r"\bMETRIC_([A-Z][A-Z_]+)\b", source.read_text())
             if source.parent.name != "ops"}

rows = [f"| `{n}` | {k} | {l or '–'} | {'yes' if n in used else 'not yet'} | {h} |"
        for n, (k, l, h) in sorted(metrics.items())]
begin, end = page.index("| name |"), page.index("\n\n", page.index("| name |"))
table = "\n".join(["| name | type | labels | counted | what it says |", "|---|---|---|---|---|", *rows])
if "--write" in sys.argv:
    path.write_text(page[:begin] + table + page[end:])
elif page[begin:end] != table:
    sys.exit("docs/metrics.md: not what src/ops/metric_names.c says; run tools/check_metrics.py --write")
