"""make demo, as somebody sees it who runs it; and that it cleans up behind itself."""

import pathlib
import re
import signal
import subprocess
import sys
import unittest

from harness import Folder, ROOT, wait_until

DEMO = ROOT / "tools/demo.py"


def running(folder):
    """Processes that have to do with the folder."""
    found = []
    for proc in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if str(folder) in (proc / "environ").read_text(errors="replace"):
                found.append((proc / "cmdline").read_text())
        except OSError:
            pass  # it has ended, or is somebody else's
    return found


class Demo(unittest.TestCase):
    def test_ends_well_and_leaves_nothing(self):
        with Folder() as outer:
            folder = outer / "demo"
            done = subprocess.run([sys.executable, DEMO, "--folder", folder], text=True,
                                  capture_output=True, timeout=600, check=False)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"GOOD: 13 of 13 checks")
            self.assertEqual(len(re.findall("kill -9", done.stdout)), 2)
            self.assertFalse(folder.exists())
            self.assertEqual(running(folder), [])

    def interrupted(self, at):
        """Whatever it was doing, nothing goes on."""
        with Folder() as outer:
            folder = outer / "demo"
            with subprocess.Popen([sys.executable, DEMO, "--folder", folder],
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as demo:
                wait_until((folder / at).exists, timeout=120, what=at)
                demo.send_signal(signal.SIGTERM)
                self.assertNotEqual(demo.wait(60), 0)
            self.assertEqual(running(folder), [])

    def test_can_be_interrupted_while_a_node_starts(self):
        self.interrupted("peer2")

    def test_can_be_interrupted_while_the_chain_grows(self):
        self.interrupted("codes-2.tsv")


if __name__ == "__main__":
    unittest.main()
