#!/usr/bin/env python3
"""Holds the tables of docs/go-map.md against the "Go origin" lines of the
headers, and the folders it names against the tree.  With --write it writes
the tables anew."""
import pathlib
import re
import sys

import check_headers

root = check_headers.root
page = root / "docs/go-map.md"
BEGIN = "<!-- tables: tools/check_go_map.py --write -->"
END = "<!-- end of tables -->"


def origins_by_folder():
    """{folder: {our file: [Go files]}} of the headers under src/."""
    found = {}
    for path in sorted((root / "src").glob("*/*.h")):
        _, origins = check_headers.origins_of(check_headers.essay_of(path.read_text()))
        if origins:
            found.setdefault(path.parent.name, {})[path.name] = origins
    return found


def tables():
    lines = []
    for folder, files in origins_by_folder().items():
        lines += [f"### src/{folder}", "", "| ours | in Fabric |", "|---|---|"]
        lines += [f"| `{folder}/{name}` | {', '.join(f'`{o}`' for o in origins)} |"
                  for name, origins in files.items()]
        lines.append("")
    return "\n".join(lines)


def main():
    text = page.read_text()
    if BEGIN not in text or END not in text:
        sys.exit(f"docs/go-map.md: the marks '{BEGIN}' and '{END}' are missing")
    head, rest = text.split(BEGIN, 1)
    old, tail = rest.split(END, 1)
    new = "\n\n" + tables()
    if "--write" in sys.argv[1:]:
        page.write_text(head + BEGIN + new + END + tail)
        return 0
    bad = [f"docs/go-map.md: `{f}/` is not a folder under src/"
           for f in re.findall(r"^\| `(\w+)/` \|", head, re.M) if not (root / "src" / f).is_dir()]
    if old != new:
        bad.append("docs/go-map.md: not what the headers say; run tools/check_go_map.py --write")
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
