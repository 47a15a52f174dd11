#!/usr/bin/env python3
"""Refuses a header without its first line, Owner or Go origin, with a wrong
guard, or with a Go origin that is not a file of Fabric 2.2
(tools/fabric-2.2-files.txt, made from the tree of v2.2.15)."""
import pathlib
import re
import sys

root = pathlib.Path(__file__).resolve().parent.parent
known = set((root / "tools/fabric-2.2-files.txt").read_text().split())


def essay_of(text):
    return text.split("*/", 1)[0]


def origins_of(essay):
    """The text after "Go origin", its continuation lines with it, and the files in it."""
    m = re.search(r"^ \* Go origin   (.*(?:\n \* {13}.*)*)", essay, re.M)
    words = m.group(1) if m else ""
    origins = []
    if words.startswith("none"):
        return words, origins
    for name in re.findall(r"[\w./+-]+\.go\b", words):
        # a bare name lies in the folder of the one before it
        folder = origins[-1].rsplit("/", 1)[0] + "/" if origins and "/" not in name else ""
        origins.append(folder + name)
    return words, origins


def problems_of(path):
    text = path.read_text()
    if not re.match(rf"/\* {re.escape(path.name)} - .", text):
        yield f"must begin with '/* {path.name} - what it is for'"
    essay = essay_of(text)
    for word in ("Owner", "Go origin"):
        if not re.search(rf"^ \* {word}  ", essay, re.M):
            yield f"no '{word}' line"
    words, origins = origins_of(essay)
    if words and not origins and not words.startswith("none"):
        yield f"Go origin is neither a file nor 'none': {words}"
    for origin in origins:
        if origin not in known:
            yield f"Go origin {origin} is not a file of Fabric 2.2"
    where = path.relative_to(root / "src") if path.is_relative_to(root / "src") else path.relative_to(root)
    guard = "WEFT_" + re.sub(r"[^A-Z0-9]", "_", str(where).upper())
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        yield f"include guard should be {guard}"


def headers():
    return sorted((root / "src").glob("*/*.h")) + sorted((root / "tests").glob("**/*.h"))


def main():
    bad = [f"{path.relative_to(root)}: {what}" for path in headers() for what in problems_of(path)]
    print("\n".join(bad), end="\n" if bad else "")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
