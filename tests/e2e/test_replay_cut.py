"""A network that is cut without a word, no FIN and no reset, as by a firewall or a pulled cable; and what only looks like it."""
import contextlib
import signal
import subprocess
import time

import pytest

from test_places import Namespaces, server_in
from test_replay_lost import begin, finish, slowly, wait_until, wait_until_said
from workload import connect

pytestmark = pytest.mark.once

ADDRESS = "10.9.0.1"
ESTABLISHED = "01"


@pytest.fixture(scope="module")
def far(tmp_path_factory):
    """(namespaces, a server in "s"), to be reached from "c"."""
    net = Namespaces()
    with contextlib.ExitStack() as stack:
        stack.callback(net.remove)
        for name in "cs":
            net.add(name)
        net.veth(("s", "s0"), ("c", "c0"), (ADDRESS, "10.9.0.2"))
        server = stack.enter_context(server_in(net, "s", tmp_path_factory.mktemp("far")))
        server.execute("CREATE TABLE shop.log (a VARCHAR(20))")
        yield net, server


@contextlib.contextmanager
def replaying(myna, far, recording, *options):
    """A replay from "c"; the link is up again afterwards."""
    net, server = far
    server.log_clear()
    command = net.inside("c", myna.path, "replay", recording, "--target", f"mysql://app@{ADDRESS}:{server.port}/",
                         "--ssl-mode", "DISABLED", "--format", "json", "--unreachable-after", "3s",
                         "--connect-timeout", "1s", *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            net.ip("s", "link set s0 up")
            if process.poll() is None:
                process.kill()


def cut(net):
    """Until the replay has given its connection up."""
    def established():
        rows = net.run("c", "cat", "/proc/net/tcp").splitlines()[1:]
        return [row for row in rows if row.split()[3] == ESTABLISHED]
    assert established()
    net.ip("s", "link set s0 down")
    wait_until(lambda: not established(), 40)


def blocked(server):
    with connect(server, autocommit=True) as c:
        c.query("SELECT 'first'")
        c.query("INSERT INTO shop.log VALUES ('waits')")
        c.query("SELECT 'last'")


@contextlib.contextmanager
def locked(server):
    """Nobody else gets at the table, until the block ends."""
    with connect(server, unix_socket=str(server.datadir / "server.sock"), database="shop") as c:
        c.query("LOCK TABLES log WRITE")
        yield


@pytest.fixture
def blocked_recording(mariadb, shop, record):
    mariadb.execute("CREATE TABLE shop.log (a VARCHAR(20))")
    return record(mariadb, blocked)[0]


def test_a_connection_that_sends_into_the_void(mariadb, far, shop, myna, record):
    recording, _ = record(mariadb, slowly, 6)
    net, server = far
    with replaying(myna, far, recording) as process:
        wait_until_said(server, "SELECT 5,")
        cut(net)
        net.ip("s", "link set s0 up")
        status, outcome, _ = finish(process)
    assert (status, outcome["ended"]) == (3, None)
    assert (outcome["connections_lost"], outcome["unanswered"], outcome["reconnected"]) == (1, 1, 1)
    assert any("cannot be reached any more" in trouble["text"] for trouble in outcome["troubles"])
    assert outcome["answered"] >= outcome["commands"] - 2


def test_a_connection_that_waits_for_what_cannot_come(far, blocked_recording, myna):
    net, server = far
    with replaying(myna, far, blocked_recording) as process, locked(server):
        wait_until_said(server, "'waits'")
        cut(net)
        net.ip("s", "link set s0 up")
        status, outcome, _ = finish(process)
    assert (status, outcome["ended"]) == (3, None)
    assert (outcome["connections_lost"], outcome["unanswered"], outcome["reconnected"]) == (1, 1, 1)
    assert outcome["answered"] == outcome["commands"] - 2, "all but the one under way, and QUIT"


def test_a_statement_that_takes_long_is_no_loss(blocked_recording, target, myna):
    target.execute("CREATE DATABASE IF NOT EXISTS shop; CREATE OR REPLACE TABLE shop.log (a VARCHAR(20))")
    target.log_clear()
    with locked(target):
        process = begin(myna, blocked_recording, target, "--unreachable-after", "2s")
        wait_until_said(target, "'waits'")
        time.sleep(5)
    status, outcome, _ = finish(process)
    assert status == 0 and outcome["connections_lost"] == outcome["reconnected"] == 0


def large(server):
    with connect(server, autocommit=True) as c:
        c.query("SELECT 'first'")
        time.sleep(1)
        c.query(f"SELECT LENGTH('{'x' * (8 << 20)}')")


def test_a_server_that_does_not_read_is_no_loss(mariadb, target, myna, record):
    """Its machine says that it has no room for more of the statement."""
    recording, _ = record(mariadb, large)
    target.log_clear()
    process = begin(myna, recording, target, "--unreachable-after", "2s")
    wait_until_said(target, "'first'")
    target.process.send_signal(signal.SIGSTOP)
    try:
        time.sleep(6)
    finally:
        target.process.send_signal(signal.SIGCONT)
    status, outcome, _ = finish(process)
    assert status == 0 and outcome["connections_lost"] == outcome["reconnected"] == 0
