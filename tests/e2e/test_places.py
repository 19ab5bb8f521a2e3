"""Live in odd places: network namespaces, veth pairs, tunnels, small MTUs. Judged by the server's general log."""
import contextlib
import os
import random
import subprocess
import sys

import harness
import pytest
import servers
import workload

sys.path.insert(0, str(harness.TOP / "tests" / "golden"))

import pcap  # noqa: E402
import tunnels  # noqa: E402

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces are root's")

INJECT = harness.TOP / "tests" / "e2e" / "inject.py"
STATEMENTS = ["SELECT 1", "SELECT REPEAT('a long answer', 1000)", "SET @v = '" + "a long question " * 500 + "'",
              "SELECT id FROM shop.item", "SELECT @v LIKE '%question%'", "SELECT 'the last'"]


class Namespaces:
    """Namespaces of this test alone, gone at its end."""

    def __init__(self):
        self.prefix = f"myna{os.getpid()}"
        self.names = []

    def add(self, name):
        servers.run(["ip", "netns", "add", f"{self.prefix}{name}"])
        self.names.append(name)
        self.run(name, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv6.conf.default.disable_ipv6=1")
        self.ip(name, "link set lo up")

    def inside(self, name, *command):
        return servers.in_netns(f"{self.prefix}{name}", *command)

    def run(self, name, *command, **options):
        return servers.run(self.inside(name, *command), **options)

    def ip(self, name, arguments):
        return self.run(name, "ip", *arguments.split())

    def veth(self, one, two, addresses, mtu=1500):
        """(namespace, device) twice, joined."""
        self.ip(one[0], f"link add {one[1]} type veth peer name {two[1]} netns {self.prefix}{two[0]}")
        for (name, device), address in zip((one, two), addresses):
            self.ip(name, f"addr add {address}/24 dev {device}")
            self.ip(name, f"link set {device} up mtu {mtu}")

    def remove(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", f"{self.prefix}{name}"], check=False)


@pytest.fixture
def net():
    namespaces = Namespaces()
    yield namespaces
    namespaces.remove()


def listen(net, name, myna, path, port, *options):
    """myna record in a namespace; OPTIONS name the interface."""
    return harness.Capture(path, port, net.inside(name, myna.path, "record", "--port", str(port), "-o", str(path),
                                                  *options))


class Elsewhere(servers.MariaDB):
    """A server that listens in a namespace."""

    net, name = None, None

    def wrap(self, command):
        return self.net.inside(self.name, *command)


@contextlib.contextmanager
def server_in(net, name, folder):
    server = Elsewhere(folder, ["--bind-address=0.0.0.0"])
    server.net, server.name = net, name
    with server.start():
        server.execute("CREATE USER app@'%'; GRANT ALL ON *.* TO app@'%'; CREATE DATABASE shop;"
                       "CREATE TABLE shop.item (id INT)")
        server.log_clear()
        yield server


def say(net, name, server, address):
    """The statements, by the command line client from the namespace NAME."""
    net.run(name, "mariadb", "--no-defaults", "--skip-ssl", "--protocol=TCP", f"-h{address}", f"-P{server.port}",
            "-uapp", "-f", input=";\n".join(STATEMENTS))


def assert_heard(myna, capture, log, sessions=1):
    events = myna.export(capture.path, status=(0, 3))
    count = harness.coverage(events)
    harness.assert_heard_all(events, log, at_least=sessions)
    assert count["sessions"] == sessions, count
    assert (count["gaps"], count["fragments"], count["bad_frames"], count["joined"]) == (0, 0, 0, 0), count
    return count


@pytest.mark.parametrize("interface", ["s0", "any"])
def test_fragments_of_a_router(myna, net, tmp_path, interface):
    """The client's segments do not fit through the router's other link."""
    for name in "crs":
        net.add(name)
    net.veth(("c", "c0"), ("r", "r0"), ("10.1.0.2", "10.1.0.1"))
    net.veth(("r", "r1"), ("s", "s0"), ("10.2.0.1", "10.2.0.2"), mtu=600)
    net.run("r", "sysctl", "-qw", "net.ipv4.ip_forward=1")
    for name in "cs":
        net.run(name, "sysctl", "-qw", "net.ipv4.ip_no_pmtu_disc=1")
    net.ip("c", "route add default via 10.1.0.1")
    net.ip("s", "route add default via 10.2.0.1 advmss 1460")
    with server_in(net, "s", tmp_path / "server") as server:
        with listen(net, "s", myna, tmp_path / "heard.myna", server.port, "-i", interface) as capture:
            say(net, "c", server, "10.2.0.2")
        seen = net.run("s", "cat", "/proc/net/snmp").splitlines()
        put_together = dict(zip(seen[0].split(), seen[1].split()))["ReasmOKs"]
        assert int(put_together) > 0, "nothing was fragmented"
        assert_heard(myna, capture, server.general_log())


@pytest.fixture
def conversation(mariadb, shop, tmp_path):
    """(frames of a conversation over loopback as a network would carry them, the server's log of it)."""
    with harness.tcpdump(tmp_path / "lo.pcap", mariadb.port) as capture:
        with workload.connect(mariadb) as c:
            for sql in STATEMENTS:
                c.cursor().execute(sql)
    return pcap.resegment(pcap.read(capture.path)[1], 1400), harness.sessions_over_tcp(mariadb.general_log())


def inject(net, name, frames, path, *devices):
    pcap.write(path, frames)
    net.run(name, sys.executable, str(INJECT), str(path), *devices)


@pytest.mark.parametrize("interface", ["b0", "any", "a0,b0", "a0 -i b0"])
def test_tunnels(myna, net, conversation, tmp_path, interface):
    """With both ends of the pair each frame is heard twice: nothing is told twice."""
    frames, log = conversation
    net.add("x")
    net.veth(("x", "a0"), ("x", "b0"), ("10.1.0.1", "10.1.0.2"), mtu=9000)
    with listen(net, "x", myna, tmp_path / "heard.myna", mariadb_port(frames), "-i", *interface.split()) as capture:
        inject(net, "x", tunnels.wrap_capture(frames, random.Random(1)), tmp_path / "sent.pcap", "a0")
    assert_heard(myna, capture, log)


def mariadb_port(frames):
    return pcap.segment(frames[0]).target[1]


@pytest.mark.parametrize("link", tunnels.LINKS, ids=lambda f: f.__name__)
def test_links(myna, net, conversation, tmp_path, link):
    """Tags and labels, which the kernel and libpcap may take off before the filter looks."""
    frames, log = conversation
    net.add("x")
    net.veth(("x", "a0"), ("x", "b0"), ("10.1.0.1", "10.1.0.2"), mtu=9000)
    port = mariadb_port(frames)
    with listen(net, "x", myna, tmp_path / "b0.myna", port, "-i", "b0") as one, \
            listen(net, "x", myna, tmp_path / "any.myna", port, "-i", "any") as every:
        inject(net, "x", tunnels.wrap_capture(frames, random.Random(2), links=[link], depth=0), tmp_path / "sent.pcap",
               "a0")
    assert_heard(myna, one, log)
    assert_heard(myna, every, log)


def test_each_direction_on_an_interface_of_its_own(myna, net, conversation, tmp_path):
    frames, log = conversation
    port = mariadb_port(frames)
    net.add("x")
    net.veth(("x", "a0"), ("x", "b0"), ("10.1.0.1", "10.1.0.2"), mtu=9000)
    net.veth(("x", "c0"), ("x", "d0"), ("10.2.0.1", "10.2.0.2"), mtu=9000)
    with listen(net, "x", myna, tmp_path / "heard.myna", port, "-i", "b0,d0,lo") as capture:
        inject(net, "x", frames, tmp_path / "sent.pcap", "a0", str(port), "c0")
    count = assert_heard(myna, capture, log)
    assert count["lost_responses"] == 0


def test_other_ports_stay_in_the_kernel(myna, net, conversation, tmp_path):
    """The inside of a tunnel is looked at, too."""
    frames, _ = conversation
    net.add("x")
    net.veth(("x", "a0"), ("x", "b0"), ("10.1.0.1", "10.1.0.2"), mtu=9000)
    with listen(net, "x", myna, tmp_path / "heard.myna", 1, "-i", "b0") as capture:
        for tunnel in (tunnels.ip_in_ip, tunnels.gre, tunnels.vxlan):
            rng = random.Random(3)
            sent = [pcap.dataclasses.replace(f, data=tunnels.frame(tunnel(pcap.ip4_bytes(pcap.segment(f)), rng, False)))
                    for f in frames]
            inject(net, "x", sent, tmp_path / "sent.pcap", "a0")
    assert harness.coverage(myna.export(capture.path, status=(0, 3)))["frames"] == 0


@pytest.mark.parametrize("interface", ["b0", "any"])
def test_any_port(myna, net, conversation, tmp_path, interface):
    frames, log = conversation
    net.add("x")
    net.veth(("x", "a0"), ("x", "b0"), ("10.1.0.1", "10.1.0.2"), mtu=9000)
    with listen(net, "x", myna, tmp_path / "heard.myna", "any", "-i", interface) as capture:
        inject(net, "x", tunnels.wrap_capture(frames, random.Random(4)), tmp_path / "sent.pcap", "a0")
    assert_heard(myna, capture, log)
