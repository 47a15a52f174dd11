"""Keys that Fabric obeys and we don't: the samples say so beside each, and whoever sets one is told
at the start, once.  What stands in the samples is told of nobody."""

import re
import unittest

from harness import Folder
from made_network import MadeNetwork, SAMPLES

IDLE = re.compile(r"^WARN (\S+) = (.*) has no effect: (.+)$", re.M)
# Every network has them, for a Go orderer needs them; that nobody is called needs no warning.
QUIET = {"General.TLS.RootCAs", "General.Cluster.ClientCertificate",
         "General.Cluster.ClientPrivateKey", "General.Cluster.RootCAs"}


def marked(sample):
    """{key: value} of what a sample says is not used."""
    found, path = {}, []
    for line in (SAMPLES / sample).read_text().splitlines():
        match = re.match(r"( *)(\w+):\s*([^#]*?)\s*(#.*)?$", line)
        if match is None:
            continue
        while path and path[-1][0] >= len(match[1]):
            path.pop()
        path.append((len(match[1]), match[2]))
        if "not used by Weft" in (match[4] or ""):
            found[".".join(name for _, name in path)] = match[3]
    return found


def another(key, value):
    """A value that the sample has not."""
    if value == "false":
        return "true"
    if "." in value and not re.search("[a-z:]", value):
        return "0.25"
    if value.isdigit():
        return "77"
    if re.fullmatch(r"\d+(ms|s|m|h)", value) or key.endswith("TickIntervalOverride"):
        return "77s"
    return "other:1"


class IdleKeys(unittest.TestCase):
    def setUp(self):
        folder = Folder()
        self.net = MadeNetwork(folder.__enter__())
        self.addCleanup(folder.__exit__)

    def told(self, start, **env):
        """{key: value} of the warnings, each of which comes once."""
        process = start(FABRIC_LOGGING_FORMAT="%{level} %{message}", **env)
        process.stop()
        lines = IDLE.findall(process.log())
        found = {key: value for key, value, _ in lines}
        self.assertEqual(len(found), len(lines), lines)
        return found

    def peer(self, **env):
        return self.net.start_peer(1, **env)

    def test_the_samples_values_are_no_news(self):
        self.assertEqual(self.told(self.net.start_orderer), {})
        self.assertEqual(  # what made_network sets
            set(self.told(self.peer)), {"peer.chaincodeListenAddress", "peer.gossip.bootstrap"})

    def check_all(self, start, sample, prefix):
        keys = {key: another(key, value) for key, value in marked(sample).items()
                if key not in QUIET and value != "true"}  # false is what holds here
        self.assertGreater(len(keys), 10)
        env = {f"{prefix}_{key.upper().replace('.', '_')}": v for key, v in keys.items()}
        self.assertEqual(sorted(self.told(start, **env)), sorted(keys))

    def test_each_key_of_a_peer_that_is_set_is_told(self):
        self.check_all(self.peer, "core.yaml", "CORE")

    def test_each_key_of_an_orderer_that_is_set_is_told(self):
        self.check_all(self.net.start_orderer, "orderer.yaml", "ORDERER")


if __name__ == "__main__":
    unittest.main()
