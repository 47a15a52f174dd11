"""A library from npm in a folder below the build directory, with the scripts that use it.  Tests
that run side by side share the folder: one installs, the others wait for it."""

import fcntl
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))
from harness import BIN  # noqa: E402


def npm_modules(name):
    """The folder, in which everything of the folder of that name here is and its libraries are."""
    ours, there = HERE / name, BIN.parent / f"npm-{name}"
    there.mkdir(exist_ok=True)
    with open(there / "lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        wanted, installed = ours / "package-lock.json", there / "installed.json"
        if not installed.is_file() or installed.read_bytes() != wanted.read_bytes():
            for each in ("package.json", "package-lock.json"):
                shutil.copy(ours / each, there)
            subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=there,
                           check=True, stdout=subprocess.DEVNULL)
            shutil.copy(wanted, installed)
        for script in ours.glob("*.js"):
            shutil.copy(script, there)
    return there
