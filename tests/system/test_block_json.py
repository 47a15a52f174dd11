"""A block's JSON is what Fabric's configtxlator gives for the same bytes."""

import json
import os
import pathlib
import subprocess
import unittest

TEST_BIN = pathlib.Path(os.environ.get("WEFT_TEST_BIN", "build/release/tests"))
SHARED = pathlib.Path(os.environ.get("WEFT_SHARED", "../shared"))
LEDGER = SHARED / "fixtures/ledger-small"
GENESIS = SHARED / "fixtures/genesis"


def block_json(kind, *paths):
    return subprocess.run([TEST_BIN / "block_json", kind, *paths], check=True, capture_output=True).stdout


@unittest.skipUnless(LEDGER.is_dir(), f"the fixtures are not at {SHARED}")
class BlockJson(unittest.TestCase):
    def expect_same(self, kind, path, wanted):
        ours, theirs = block_json(kind, path), wanted.read_bytes()
        self.assertEqual(json.loads(ours), json.loads(theirs), f"{path.name}: other content")
        self.assertEqual(ours, theirs, f"{path.name}: same content, written otherwise")

    def test_blocks_of_every_kind_are_as_configtxlator_gives_them(self):
        wanted = sorted((LEDGER / "json").glob("*.json"), key=lambda p: int(p.stem))
        self.assertGreater(len(wanted), 20)
        for path in wanted:
            self.expect_same("block", LEDGER / f"blocks/{path.stem}.block", path)

    def test_genesis_blocks_and_config_updates_are_as_configtxlator_gives_them(self):
        for path in sorted(GENESIS.glob("*.block")):
            self.expect_same("block", path, path.with_suffix(".json"))
        for path in sorted(GENESIS.glob("*.tx")):
            self.expect_same("envelope", path, path.with_name(path.name + ".json"))

    def test_a_block_that_configtxlator_refuses_still_gives_json(self):
        """Block 53 has transactions that are no Transaction: they stay base64."""
        data = json.loads(block_json("block", LEDGER / "blocks/53.block"))["data"]["data"]
        self.assertIsInstance(data[0]["payload"]["data"], str)
        self.assertEqual(data[0]["payload"]["header"]["channel_header"]["type"], 3)

    def test_all_blocks_give_json_with_their_own_number(self):
        paths = list((LEDGER / "blocks").glob("*.block"))
        texts = block_json("block", *paths).decode().split("\n}\n")
        for path, text in zip(paths, texts[:-1], strict=True):
            self.assertEqual(json.loads(text + "}")["header"]["number"], path.stem)

    def test_a_file_that_is_no_block_is_refused_in_words(self):
        run = subprocess.run(
            [TEST_BIN / "block_json", "block", GENESIS / "configtx.yaml"], capture_output=True, text=True
        )
        self.assertEqual(run.returncode, 1)
        self.assertIn("error unmarshalling common.Block", run.stderr)
        self.assertEqual(run.stdout, "")


if __name__ == "__main__":
    unittest.main()
