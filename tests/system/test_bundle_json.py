"""What a bundle holds is what Fabric's configtxlator reads in the same block."""

import base64
import json
import os
import pathlib
import re
import subprocess
import unittest

TEST_BIN = pathlib.Path(os.environ.get("WEFT_TEST_BIN", "build/release/tests"))
SHARED = pathlib.Path(os.environ.get("WEFT_SHARED", "../shared"))
LEDGER = SHARED / "fixtures/ledger-small"
GENESIS = SHARED / "fixtures/genesis"


def bundle(path):
    return json.loads(subprocess.run([TEST_BIN / "bundle_show", path], check=True, capture_output=True).stdout)


def value(group, name, default=None):
    """An empty message is null."""
    found = group["values"][name]["value"] if name in group["values"] else None
    return found if found is not None else (default or {})


def capabilities(group):
    return set(value(group, "Capabilities", {"capabilities": {}})["capabilities"])


def org(group):
    return {
        "mspid": value(group, "MSP")["config"]["name"],
        "endpoints": value(group, "Endpoints", {"addresses": []})["addresses"],
        "anchors": value(group, "AnchorPeers", {"anchor_peers": []})["anchor_peers"],
        "tls_roots": len(value(group, "MSP")["config"]["tls_root_certs"]),
    }


def orgs(group):
    return {name: org(sub) for name, sub in group["groups"].items()}


def nanoseconds(text):
    unit = {"s": 10**9, "ms": 10**6}
    number, name = re.fullmatch(r"([0-9.]+)(s|ms)", text).groups()
    return int(float(number) * unit[name])


@unittest.skipUnless(GENESIS.is_dir(), f"the fixtures are not at {SHARED}")
class BundleJson(unittest.TestCase):
    maxDiff = None

    def check_orderer(self, ours, group):
        batch, consensus = value(group, "BatchSize"), value(group, "ConsensusType")
        metadata = bytes.fromhex(ours.pop("metadata"))
        self.assertEqual(ours, {
            "type": consensus["type"],
            "state": {"STATE_NORMAL": 0, "STATE_MAINTENANCE": 1}[consensus["state"]],
            "batch": [batch[k] for k in ("max_message_count", "absolute_max_bytes", "preferred_max_bytes")],
            "timeout_ns": nanoseconds(value(group, "BatchTimeout")["timeout"]),
            "max_channels": int(value(group, "ChannelRestrictions", {"max_count": "0"})["max_count"] or 0),
            "v20": "V2_0" in capabilities(group),
            "orgs": orgs(group),
        })
        if consensus["type"] != "etcdraft":
            self.assertEqual(metadata, b"")
            return
        for consenter in consensus["metadata"]["consenters"]:
            self.assertIn(consenter["host"].encode(), metadata)
            self.assertIn(base64.b64decode(consenter["client_tls_cert"]), metadata)

    def check_application(self, ours, group):
        acls = value(group, "ACLs", {"acls": {}})["acls"]
        full = {k: a["policy_ref"] if a["policy_ref"].startswith("/") else "/Channel/Application/" + a["policy_ref"]
                for k, a in acls.items()}
        self.assertEqual(ours, {"v20": "V2_0" in capabilities(group), "acls": full, "orgs": orgs(group)})

    def check(self, block, text):
        ours = bundle(block)
        payload = json.loads(text.read_text())["data"]["data"][0]["payload"]
        config = payload["data"]["config"]
        root = config["channel_group"]
        self.assertEqual(set(root["groups"]), {k.capitalize() for k in ("orderer", "application", "consortiums") if k in ours})
        self.check_orderer(ours.pop("orderer"), root["groups"]["Orderer"])
        if "application" in ours:
            self.check_application(ours.pop("application"), root["groups"]["Application"])
        for name, consortium in ours.pop("consortiums", {}).items():
            group = root["groups"]["Consortiums"]["groups"][name]
            self.assertEqual(consortium["orgs"], orgs(group))
            self.assertEqual(consortium["creation_policy"][:4], f"08{value(group, 'ChannelCreationPolicy')['type']:02x}")
        self.assertEqual(ours, {
            "channel": payload["header"]["channel_header"]["channel_id"],
            "sequence": int(config["sequence"]),
            "consortium": value(root, "Consortium", {"name": ""})["name"],
            "v143": bool({"V1_4_3", "V2_0"} & capabilities(root)),
            "orderer_addresses": value(root, "OrdererAddresses", {"addresses": []})["addresses"],
        })

    def test_every_genesis_block(self):
        blocks = sorted(GENESIS.glob("*.block"))
        self.assertEqual(len(blocks), 3)
        for block in blocks:
            with self.subTest(block.name):
                self.check(block, block.with_suffix(".json"))

    def test_every_config_block_of_a_ledger(self):
        seen = 0
        for text in (LEDGER / "json").glob("*.json"):
            if '"channel_group"' not in text.read_text():
                continue
            with self.subTest(text.name):
                self.check(LEDGER / f"blocks/{text.stem}.block", text)
            seen += 1
        self.assertGreaterEqual(seen, 3)


if __name__ == "__main__":
    unittest.main()
