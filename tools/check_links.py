#!/usr/bin/env python3
"""Refuses a Markdown file that points at something which is not there: a
relative link, a #heading of a link, or a path in `code` that begins with one
of our folders (from the root or from src/) or with one of Fabric's."""
import pathlib
import re
import subprocess
import sys

root = pathlib.Path(__file__).resolve().parent.parent
fabric = set((root / "tools/fabric-2.2-files.txt").read_text().split())
fabric_folders = {str(f) for name in fabric for f in pathlib.PurePosixPath(name).parents} - {"."}


def tracked(pattern):
    out = subprocess.run(["git", "ls-files", "-co", "--exclude-standard", pattern], cwd=root,
                         capture_output=True, text=True, check=True).stdout
    return [root / line for line in out.splitlines() if (root / line).exists()]


def anchors_of(path):
    """The #names that a Markdown renderer gives the headings."""
    found = set()
    for line in re.sub(r"```.*?```", "", path.read_text(), flags=re.S).splitlines():
        m = re.match(r"#+ +(.*)", line)
        if m:
            name = re.sub(r"[^\w\- ]", "", re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", m.group(1))).strip()
            found.add(name.lower().replace(" ", "-"))
    return found


def link_problem(path, target):
    if re.match(r"[a-z][a-z+.-]*:", target):
        return None
    file, _, anchor = target.partition("#")
    there = (path.parent / file).resolve() if file else path
    if not there.is_relative_to(root):
        return f"link {target} leads out of the repository"
    if not there.exists():
        return f"link {target}: no such file"
    if anchor and there.suffix == ".md" and anchor not in anchors_of(there):
        return f"link {target}: no such heading"
    return None


def path_problem(token):
    """`src/base/log.c`, `base/log.c`, `tests/corpus/log/`, `common/deliver/*.go`."""
    token = token.rstrip("/")
    first = token.split("/")[0]
    ours = [base for base in (root, root / "src") if (base / first).is_dir()]
    fabrics = first in fabric_folders
    if first == "build" or not (ours or fabrics):
        return None
    if token in fabric or token in fabric_folders:
        return None
    for base in ours:
        if (base / token).exists() or ("*" in token and next(base.glob(token), None)):
            return None
        if list((base / token).parent.glob(f"{(base / token).name}.[ch]")):
            return None
    if fabrics and "*" in token and any(pathlib.PurePosixPath(f).match(token) for f in fabric):
        return None
    return f"`{token}` is not there"


def problems_of(path):
    text = path.read_text()
    prose = re.sub(r"```.*?```", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)
    for number, line in enumerate(prose.splitlines(), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
            yield number, link_problem(path, target)
        for token in re.findall(r"`([\w.*+-]+(?:/[\w.*+-]+)+/?)`", line):
            yield number, path_problem(token)


def main():
    bad = 0
    for path in tracked("*.md"):
        for number, what in problems_of(path):
            if what:
                print(f"{path.relative_to(root)}:{number}: {what}")
                bad += 1
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
