"""cryptogen and configtxgen: what they make is what Fabric's make."""
import json
import os
import shutil
import subprocess
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
BIN = os.environ["WEFT_BIN"]
SAMPLES = os.path.join(HERE, "..", "..", "sampleconfig")
SHARED = os.environ.get("WEFT_SHARED", "")
VOLATILE = ("timestamp", "nonce", "tx_id", "data_hash")
PEER = "peerOrganizations/org1.example.com/peers/peer0.org1.example.com"


def run(*args, cwd, ok=True, env=None):
    whole = {k: v for k, v in os.environ.items() if not k.startswith(("FABRIC_", "CONFIGTX_"))}
    done = subprocess.run([os.path.join(BIN, args[0]), *args[1:]], cwd=cwd, text=True,
                          env={**whole, **(env or {})},
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert (done.returncode == 0) == ok, done.stderr
    return done


def openssl(*args):
    return subprocess.run(["openssl", *args], check=True, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def without_volatile(value):
    if isinstance(value, dict):
        return {k: without_volatile(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [without_volatile(v) for v in value]
    return value


class Tools(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp()
        for name in ("configtx.yaml", "crypto-config.yaml"):
            shutil.copy(os.path.join(SAMPLES, name), self.dir)

    def tearDown(self):
        shutil.rmtree(self.dir)

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def generate(self):
        return run("cryptogen", "generate", "--config=crypto-config.yaml", "--output=crypto",
                   cwd=self.dir)

    def inspect(self, option, path):
        return json.loads(run("configtxgen", option, path, cwd=self.dir).stdout)


class Cryptogen(Tools):
    def setUp(self):
        super().setUp()
        self.said = self.generate().stdout

    def cert(self, *parts):
        return openssl("x509", "-noout", "-text", "-in", self.path("crypto", *parts))

    def test_says_which_organisations_it_makes(self):
        self.assertEqual(self.said, "org1.example.com\norg2.example.com\n")

    def test_certificates_chain_to_their_cas(self):
        org = self.path("crypto", "peerOrganizations/org1.example.com")
        for ca, cert in (("ca/ca.org1.example.com-cert.pem",
                          "peers/peer0.org1.example.com/msp/signcerts/"
                          "peer0.org1.example.com-cert.pem"),
                         ("ca/ca.org1.example.com-cert.pem",
                          "users/User1@org1.example.com/msp/signcerts/"
                          "User1@org1.example.com-cert.pem"),
                         ("tlsca/tlsca.org1.example.com-cert.pem",
                          "peers/peer1.org1.example.com/tls/server.crt"),
                         ("tlsca/tlsca.org1.example.com-cert.pem",
                          "users/Admin@org1.example.com/tls/client.crt")):
            self.assertIn("OK", openssl("verify", "-CAfile", os.path.join(org, ca),
                                        os.path.join(org, cert)))

    def test_units_names_and_uses_are_those_of_the_role(self):
        self.assertIn("OU = peer, CN = peer0.org1.example.com",
                      self.cert(PEER, "msp/signcerts/peer0.org1.example.com-cert.pem"))
        self.assertIn("OU = admin, CN = Admin@org1.example.com",
                      self.cert("peerOrganizations/org1.example.com/users",
                                "Admin@org1.example.com/msp/signcerts",
                                "Admin@org1.example.com-cert.pem"))
        self.assertIn("OU = orderer, CN = orderer.example.com",
                      self.cert("ordererOrganizations/example.com/orderers/orderer.example.com",
                                "msp/signcerts/orderer.example.com-cert.pem"))
        tls = self.cert(PEER, "tls/server.crt")
        self.assertIn("DNS:peer0.org1.example.com, DNS:peer0, DNS:localhost, "
                      "IP Address:127.0.0.1", tls)
        self.assertIn("TLS Web Server Authentication, TLS Web Client Authentication", tls)

    def test_keys_belong_to_certificates_and_nobody_else_may_read_them(self):
        key = self.path("crypto", PEER, "tls/server.key")
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        self.assertEqual(openssl("pkey", "-pubout", "-in", key),
                         openssl("x509", "-pubkey", "-noout", "-in",
                                 self.path("crypto", PEER, "tls/server.crt")))

    def test_extend_adds_what_is_missing_and_leaves_the_rest(self):
        before = self.cert(PEER, "tls/server.crt")
        with open(self.path("crypto-config.yaml"), encoding="utf-8") as f:
            text = f.read()
        with open(self.path("crypto-config.yaml"), "w", encoding="utf-8") as f:
            f.write(text.replace("Count: 2", "Count: 3"))
        run("cryptogen", "extend", "--config=crypto-config.yaml", "--input=crypto", cwd=self.dir)
        self.assertEqual(self.cert(PEER, "tls/server.crt"), before)
        org = self.path("crypto", "peerOrganizations/org1.example.com")
        self.assertIn("OK", openssl("verify", "-CAfile",
                                    os.path.join(org, "ca/ca.org1.example.com-cert.pem"),
                                    os.path.join(org, "peers/peer2.org1.example.com/msp/signcerts",
                                                 "peer2.org1.example.com-cert.pem")))

    def test_without_node_ous_admins_are_listed(self):
        with open(self.path("crypto-config.yaml"), "w", encoding="utf-8") as f:
            f.write("PeerOrgs:\n  - Name: A\n    Domain: a.com\n    Template: {Count: 1}\n")
        self.generate()
        org = self.path("crypto", "peerOrganizations/a.com")
        for msp in ("msp", "peers/peer0.a.com/msp", "users/Admin@a.com/msp"):
            self.assertEqual(os.listdir(os.path.join(org, msp, "admincerts")),
                             ["Admin@a.com-cert.pem"])
            self.assertFalse(os.path.exists(os.path.join(org, msp, "config.yaml")))

    def test_the_template_is_understood(self):
        with open(self.path("crypto-config.yaml"), "w", encoding="utf-8") as f:
            f.write(run("cryptogen", "showtemplate", cwd=self.dir).stdout)
        self.assertEqual(self.generate().stdout, "org1.example.com\norg2.example.com\n")

    def test_bad_input_is_one_line_that_says_where(self):
        for yaml, words in (
                ("PeerOrgs: 7\n", "crypto-config.yaml:1: PeerOrgs is 7, expected a list"),
                ("PeerOrgs:\n - Domain: ../x\n", "Domain is \"../x\", expected a name"),
                ("PeerOrgs:\n - Domain: a.com\n   Template: {Count: many}\n",
                 "crypto-config.yaml:3: Count is many, expected a number from 0 to 10000"),
                ("PeerOrgs:\n - Domain: a.com\n   EnableNodeOUs: perhaps\n",
                 "crypto-config.yaml:3: EnableNodeOUs is perhaps, expected true or false"),
                ("PeerOrgs:\n - Domain: a.com\n   Specs: [{Hostname: \"{{.Bogus}}\","
                 " CommonName: \"{{.Bogus}}\"}]\n", "\"{{.Bogus}}\" is not one of its fields"),
                ("PeerOrgs: [\n", "Error Unmarshaling YAML")):
            with open(self.path("crypto-config.yaml"), "w", encoding="utf-8") as f:
                f.write(yaml)
            done = run("cryptogen", "generate", "--config=crypto-config.yaml", "--output=bad",
                       cwd=self.dir, ok=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr.splitlines()[0])


class Configtxgen(Tools):
    def setUp(self):
        super().setUp()
        self.generate()

    def make(self, *args, ok=True):
        return run("configtxgen", "-configPath", ".", *args, cwd=self.dir, ok=ok)

    def group(self, profile):
        self.make("-profile", profile, "-channelID", "ch", "-outputBlock", "out/b.block")
        block = self.inspect("-inspectBlock", "out/b.block")
        payload = block["data"]["data"][0]["payload"]
        self.assertEqual(payload["header"]["channel_header"]["channel_id"], "ch")
        return payload["data"]["config"]["channel_group"]

    def test_a_system_channel_has_orderer_and_consortium(self):
        groups = self.group("SoloGenesis")["groups"]
        self.assertEqual(sorted(groups), ["Consortiums", "Orderer"])
        consensus = groups["Orderer"]["values"]["ConsensusType"]["value"]
        self.assertEqual(consensus["type"], "solo")
        self.assertEqual(sorted(groups["Consortiums"]["groups"]["SampleConsortium"]["groups"]),
                         ["Org1MSP", "Org2MSP"])

    def test_etcdraft_brings_its_consenters_and_settings(self):
        consensus = self.group("RaftGenesis")["groups"]["Orderer"]["values"]["ConsensusType"]
        metadata = consensus["value"]["metadata"]
        self.assertEqual(metadata["consenters"][0]["port"], 7050)
        self.assertEqual(metadata["options"], {
            "tick_interval": "500ms", "election_tick": 10, "heartbeat_tick": 1,
            "max_inflight_blocks": 5, "snapshot_interval_size": 16777216})

    def test_an_application_channels_first_block_needs_no_consortium(self):
        group = self.group("TwoOrgsApplicationGenesis")
        self.assertEqual(sorted(group["groups"]), ["Application", "Orderer"])

    def test_transactions_create_a_channel_and_set_anchor_peers(self):
        self.make("-profile", "TwoOrgsChannel", "-channelID", "ch", "-outputCreateChannelTx", "c.tx",
                  "-outputAnchorPeersUpdate", "a.tx", "-asOrg", "Org2MSP")
        update = self.inspect("-inspectChannelCreateTx", "c.tx")["payload"]["data"]["config_update"]
        application = update["write_set"]["groups"]["Application"]
        self.assertEqual((application["version"], sorted(application["groups"])),
                         ("1", ["Org1MSP", "Org2MSP"]))
        self.assertEqual(update["write_set"]["values"]["Consortium"]["value"]["name"],
                         "SampleConsortium")
        update = self.inspect("-inspectChannelCreateTx", "a.tx")["payload"]["data"]["config_update"]
        org = update["write_set"]["groups"]["Application"]["groups"]["Org2MSP"]
        self.assertEqual(org["values"]["AnchorPeers"]["value"]["anchor_peers"],
                         [{"host": "127.0.0.1", "port": 9051}])

    def test_prints_an_organisation(self):
        org = json.loads(self.make("-printOrg", "Org1MSP").stdout)
        self.assertEqual(org["values"]["MSP"]["value"]["config"]["name"], "Org1MSP")

    def test_refuses_with_fabrics_words(self):
        for args, words in (
                (("-outputBlock", "b"), "Missing channelID, please specify it with '-channelID'"),
                (("-channelID", "ch", "-outputBlock", "b"), "The '-profile' is required when"),
                (("-profile", "None", "-channelID", "ch", "-outputBlock", "b"),
                 "Could not find profile: None"),
                (("-profile", "TwoOrgsChannel", "-channelID", "ch", "-outputBlock", "b"),
                 "refusing to generate block which is missing orderer section"),
                (("-profile", "SoloGenesis", "-channelID", "ch", "-outputCreateChannelTx", "b"),
                 "channel template configs must contain an application section"),
                (("-profile", "TwoOrgsChannel", "-channelID", "ch", "-outputAnchorPeersUpdate", "b"),
                 "must specify an organization to update the anchor peer for"),
                (("-profile", "TwoOrgsChannel", "-channelID", "ch", "-outputAnchorPeersUpdate", "b",
                  "-asOrg", "Org9"), "org with name 'Org9' does not exist in config"),
                (("-inspectBlock", "configtx.yaml"), "Error on inspectBlock")):
            done = self.make(*args, ok=False)
            self.assertIn(words, done.stderr.splitlines()[-1])

    def test_an_empty_value_is_as_none(self):
        done = self.make("-profile", "SoloGenesis", "-channelID", "", "-outputBlock", "b", ok=False)
        self.assertIn("Missing channelID", done.stderr)
        self.make("-profile", "SoloGenesis", "-channelID", "ch", "-outputBlock", "")
        self.assertFalse(os.path.exists(self.path("b")))

    def test_the_file_is_looked_for_where_fabric_looks(self):
        os.mkdir(self.path("elsewhere"))
        args = ("configtxgen", "-profile", "SoloGenesis", "-channelID", "ch", "-outputBlock", "b")
        run(*args, cwd=self.dir)
        os.unlink(self.path("b"))
        run(*args, cwd=self.path("elsewhere"), env={"FABRIC_CFG_PATH": self.dir})
        self.assertTrue(os.path.exists(self.path("elsewhere/b")))
        for env, more in (({"FABRIC_CFG_PATH": self.path("elsewhere")}, ()),
                          ({"FABRIC_CFG_PATH": "/none"}, ()), ({}, ("-configPath", "elsewhere"))):
            done = run(*args, *more, cwd=self.dir, env=env, ok=False)
            self.assertIn("Please make sure that FABRIC_CFG_PATH", done.stderr.splitlines()[-1])

    def test_the_environment_does_not_change_a_profile(self):
        """Nor does it in Fabric 2.2, whatever its comments say."""
        run("configtxgen", "-profile", "SoloGenesis", "-channelID", "ch", "-outputBlock", "b",
            cwd=self.dir, env={"CONFIGTX_PROFILES_SOLOGENESIS_ORDERER_BATCHTIMEOUT": "7s",
                               "CONFIGTX_ORDERER_BATCHTIMEOUT": "7s"})
        block = self.inspect("-inspectBlock", "b")
        group = block["data"]["data"][0]["payload"]["data"]["config"]["channel_group"]
        self.assertEqual(group["groups"]["Orderer"]["values"]["BatchTimeout"]["value"]["timeout"],
                         "2s")

    def test_kafka_and_foreign_organisations(self):
        with open(self.path("configtx.yaml"), encoding="utf-8") as f:
            good = f.read()
        with open(self.path("configtx.yaml"), "w", encoding="utf-8") as f:
            f.write(good.replace("OrdererType: solo", "OrdererType: kafka"))
        values = self.group("SoloGenesis")["groups"]["Orderer"]["values"]
        self.assertEqual(values["KafkaBrokers"]["value"]["brokers"], ["127.0.0.1:9092"])
        with open(self.path("configtx.yaml"), "w", encoding="utf-8") as f:
            f.write(good.replace("    ID: Org1MSP\n", "    ID: Org1MSP\n    SkipAsForeign: true\n"))
        done = self.make("-profile", "SoloGenesis", "-channelID", "ch", "-outputBlock", "b",
                         ok=False)
        self.assertIn("could not create bootstrapper: all org definitions must be local during "
                      "bootstrapping: organization 'Org1MSP' is marked to be skipped as foreign",
                      done.stderr)
        self.make("-profile", "TwoOrgsChannel", "-channelID", "ch", "-outputCreateChannelTx", "t")

    def test_a_channel_may_change_more_than_its_members(self):
        self.make("-profile", "TwoOrgsChannel", "-channelCreateTxBaseProfile", "SoloGenesis",
                  "-channelID", "ch", "-outputCreateChannelTx", "t")
        update = self.inspect("-inspectChannelCreateTx", "t")["payload"]["data"]["config_update"]
        self.assertNotIn("Orderer", update["write_set"]["groups"])
        done = self.make("-profile", "TwoOrgsChannel", "-channelCreateTxBaseProfile",
                         "TwoOrgsChannel", "-channelID", "ch", "-outputCreateChannelTx", "t",
                         ok=False)
        self.assertIn("could not create config template: supplied system channel group does not "
                      "appear to be system channel (missing consortiums group)", done.stderr)

    def test_bad_values_are_named_with_file_and_line(self):
        with open(self.path("configtx.yaml"), encoding="utf-8") as f:
            good = f.read()
        for old, new, words in (
                ("BatchTimeout: 2s", "BatchTimeout: soon", "BatchTimeout is \"soon\": want"),
                ("MaxMessageCount: 500", "MaxMessageCount: lots", "MaxMessageCount is \"lots\""),
                ("PreferredMaxBytes: 2 MB", "PreferredMaxBytes: 2 XB", "PreferredMaxBytes is"),
                ("OrdererType: solo", "OrdererType: paxos", "unknown orderer type: paxos"),
                ("Rule: \"OR('OrdererMSP.admin')\"", "Rule: \"OR('OrdererMSP.boss')\"",
                 "invalid signature policy rule 'OR('OrdererMSP.boss')'"),
                ("MSPDir: crypto/ordererOrg", "MSPDir: nowhere/ordererOrg",
                 "Error loading MSP configuration for org: OrdererOrg"),
                ("{V2_0: true}", "{V2_0: maybe}", "want true or false"),
                ("BatchTimeout: 2s", "BatchTimout: 2s",
                 "configtx.yaml:77: 'Orderer' has invalid keys: BatchTimout"),
                ("    ID: Org1MSP\n", "    Id: Org1MSP\n    Foo: 1\n    Bar: 2\n",
                 "'Organizations[1]' has invalid keys: Foo, Bar"),
                ("\nProfiles:\n", "\nExtra: 1\nProfiles:\n", "'' has invalid keys: Extra")):
            with open(self.path("configtx.yaml"), "w", encoding="utf-8") as f:
                f.write(good.replace(old, new))
            done = self.make("-profile", "SoloGenesis", "-channelID", "ch", "-outputBlock", "b",
                             ok=False)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr.splitlines()[-1])


@unittest.skipUnless(os.path.isdir(SHARED), "the fixtures are not beside the project")
class AgainstTheFixtures(Tools):
    """Fabric's own tool made these from the same files, and decoded them."""

    def test_everything_decodes_to_the_same(self):
        genesis = os.path.join(SHARED, "fixtures/genesis")
        shutil.copy(os.path.join(genesis, "configtx.yaml"), self.dir)
        os.symlink(os.path.join(SHARED, "fixtures/crypto"), self.path("crypto"))
        for profile, channel, option, look, name in (
                ("SoloGenesis", "system-channel", "-outputBlock", "-inspectBlock",
                 "genesis-solo.json"),
                ("RaftGenesis", "system-channel", "-outputBlock", "-inspectBlock",
                 "genesis-etcdraft.json"),
                ("AppChannel", "mychannel", "-outputCreateChannelTx", "-inspectChannelCreateTx",
                 "mychannel.tx.json")):
            run("configtxgen", "-configPath", ".", "-profile", profile, "-channelID", channel,
                option, "out", cwd=self.dir)
            with open(os.path.join(genesis, name), encoding="utf-8") as f:
                wanted = json.load(f)
            self.assertEqual(without_volatile(self.inspect(look, "out")), without_volatile(wanted))


if __name__ == "__main__":
    unittest.main()
