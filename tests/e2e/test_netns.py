"""Listening inside a network namespace, and the line that says how it goes. No server needed."""
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import harness
import servers
from test_command import assert_one_line, frame, packet

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="makes network namespaces")

TALK = """
import ast, socket, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("lo", 0))
for frame in ast.literal_eval(sys.stdin.read()):
    out.send(frame)
    time.sleep(0.01)
"""


def conversation():
    to_server, to_client = 1000, 5000
    for number in range(10):
        query, answer = packet(0, b"\x03" + f"DO {number}".encode()), packet(1, b"\0\0\0\2\0\0\0")
        yield frame(40000, 3306, to_server, to_client, 0x18, query)
        to_server += len(query)
        yield frame(3306, 40000, to_client, to_server, 0x18, answer)
        to_client += len(answer)


@pytest.fixture
def namespace():
    """(name, pid of a process inside)."""
    name = f"myna-test-{os.getpid()}"
    servers.run(["ip", "netns", "add", name])
    servers.run(servers.in_netns(name, "ip", "link", "set", "lo", "up"))
    inside = subprocess.Popen(servers.in_netns(name, "sleep", "600"))
    deadline = time.monotonic() + 10
    here = os.readlink("/proc/self/ns/net")
    while os.readlink(f"/proc/{inside.pid}/ns/net") == here and time.monotonic() < deadline:
        time.sleep(0.01)
    yield name, inside.pid
    inside.kill()
    inside.wait()
    servers.run(["ip", "netns", "delete", name])


@pytest.mark.parametrize("how", ["name", "path", "pid"])
def test_a_namespace_is_heard(myna, namespace, tmp_path, how):
    name, pid = namespace
    where = {"name": ["--netns", name], "path": ["--netns", f"/proc/{pid}/ns/net"], "pid": ["--pid", str(pid)]}[how]
    path = tmp_path / "inside.myna"
    with harness.Capture(path, 3306, [myna.path, "record", "-i", "lo", "-o", str(path), *where]) as capture:
        subprocess.run(servers.in_netns(name, sys.executable, "-c", TALK), input=repr(list(conversation())),
                       text=True, check=True)
        time.sleep(1.2)
    assert capture.status == 0, capture.said
    heard = [e["sql"] for e in myna.export(path) if e["type"] == "exchange"]
    assert heard == [f"DO {n}" for n in range(10)]


def test_one_line_for_what_is_wrong(myna, namespace, tmp_path):
    name, pid = namespace
    out = ["-o", tmp_path / "a.myna"]
    assert_one_line(myna.run("record", "-i", "lo", "--netns", "nosuch", *out, status=(1,)), "nosuch", "--pid")
    assert_one_line(myna.run("record", "-i", "lo", "--pid", 2**22 + 1, *out, status=(1,)), "no process")
    assert_one_line(myna.run("record", "-i", "lo", "--pid", pid, "--netns", name, *out, status=(2,)), "--netns")
    assert_one_line(myna.run("record", "-i", "nosuch0", "--pid", pid, *out, status=(1,)), "nosuch0")
    done = subprocess.run(["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin", myna.path, "record", "-i", "lo",
                           "--netns", name, "-o", str(tmp_path / "a.myna")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert_one_line(done, "cap_sys_admin")


@pytest.mark.parametrize("interval, lines", [("500ms", (3, 8)), ("0", (0, 0))])
def test_how_it_goes_is_told_now_and_then(myna, tmp_path, interval, lines):
    process = myna.start("trace", "-i", "lo", "--port", "1", "--status-interval", interval)
    time.sleep(2.7)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=20)[1]
    told = re.findall(r"^myna trace: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d: 0 sessions, 0 commands", said, re.M)
    assert lines[0] <= len(told) <= lines[1], said
