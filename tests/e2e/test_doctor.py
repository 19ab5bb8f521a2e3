"""myna doctor: why nothing would be heard, on real servers and machines that are ill in one way each."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import threading
import time

import pymysql
import pytest

import servers
from test_command import packet
from workload import connect

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="listens")


def doctor(myna, *arguments, status):
    """{finding: [(level, text), ...]}"""
    done = myna.run("doctor", "--format", "json", *arguments, status=(status,))
    found = {}
    for line in done.stdout.splitlines():
        event = json.loads(line)
        found.setdefault(event["finding"], []).append((event["level"], event["text"]))
    return found


def problems(found):
    return {what for what, those in found.items() for level, _ in those if level == "problem"}


@contextlib.contextmanager
def busy(connection):
    """Statements over CONNECTION, one every few milliseconds."""
    over = threading.Event()

    def work():
        while not over.wait(0.02):
            connection.query("DO 1")

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
        connection.close()


@pytest.mark.parametrize("interface", ["any", "lo"])
def test_healthy(myna, mariadb, interface):
    with busy(connect(mariadb)):
        found = doctor(myna, "-i", interface, "--port", mariadb.port, "--duration", "1s", status=0)
    assert not problems(found)
    assert "commands of 1 session were heard" in found["traffic"][0][1]
    assert found["port"][0][0] == found["permission"][0][0] == found["interface"][0][0] == "ok"


def test_text_is_one_line_per_finding(myna, mariadb):
    said = myna.run("doctor", "--port", mariadb.port, "--duration", "200ms", status=(0, 1)).stdout
    assert all(line[:4] in ("ok  ", "note", "!   ") for line in said.splitlines())


def test_wrong_port(myna, mariadb):
    with busy(connect(mariadb)):
        found = doctor(myna, "--port", servers.free_port(), "--duration", "500ms", status=1)
    assert problems(found) == {"port"}
    assert any(f"port {mariadb.port}" in text for _, text in found["server"])


def test_clients_over_the_local_socket_only(myna, mariadb):
    client = pymysql.connect(unix_socket=str(mariadb.socket), user="root")
    with busy(client):
        found = doctor(myna, "--port", mariadb.port, "--duration", "500ms", status=1)
    assert "clients" in problems(found)
    assert any("127.0.0.1" in text and text.startswith("1 clients") for _, text in found["socket"])


def test_clients_come_over_another_interface(myna, mariadb, tmp_path):
    name = f"myna{os.getpid() % 100000}"
    servers.run(["ip", "link", "add", name, "type", "veth", "peer", "name", f"{name}p"])
    try:
        found = doctor(myna, "-i", name, status=1)
        assert problems(found) == {"interface"} and "is not up" in found["interface"][0][1]
        servers.run(["ip", "link", "set", name, "up"])
        with busy(connect(mariadb)):
            found = doctor(myna, "-i", name, "--port", mariadb.port, "--duration", "500ms", status=1)
        assert "-i lo" in found["traffic"][-1][1]
    finally:
        servers.run(["ip", "link", "delete", name])
    found = doctor(myna, "-i", "nosuch0", status=1)
    assert problems(found) == {"interface"} and "lo" in found["interface"][0][1]


def test_all_is_encrypted(myna, pool, certificate):
    server = pool.get("mariadb", "tls", certificate)

    def talk():
        time.sleep(0.7)
        with connect(server, ssl={"check_hostname": False, "verify_mode": "none"}) as c:
            for _ in range(20):
                c.query("DO 1")

    talker = threading.Thread(target=talk)
    talker.start()
    found = doctor(myna, "--port", server.port, "--duration", "2s", status=1)
    talker.join()
    assert problems(found) == {"tls"} and "--skip-ssl" in found["tls"][0][1]


def test_no_permission():
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder).chmod(0o755)
        program = shutil.copy(os.environ.get("MYNA", pathlib.Path(__file__).parents[2] / "build" / "myna"), folder)
        done = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program, "doctor"],
                              capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not done.stderr
    assert "setcap cap_net_raw+ep" in done.stdout


def test_server_in_a_container(myna):
    """A process of a server's name in a network namespace of its own."""
    with tempfile.TemporaryDirectory() as folder:
        program = shutil.copy("/bin/sleep", f"{folder}/mariadbd")
        with subprocess.Popen(["unshare", "--net", program, "600"]) as inside:
            try:
                deadline = time.monotonic() + 10
                while pathlib.Path(f"/proc/{inside.pid}/comm").read_text() != "mariadbd\n" and time.monotonic() < deadline:
                    time.sleep(0.05)
                found = doctor(myna, "--port", servers.free_port(), "--duration", "100ms", status=1)
            finally:
                inside.kill()
    assert any(f"--pid {inside.pid}" in text for _, text in found["server"])


def test_clients_that_say_nothing(myna, mariadb):
    with contextlib.closing(connect(mariadb)):
        found = doctor(myna, "-i", "lo", "--port", mariadb.port, "--duration", "500ms", status=0)
    assert ("note", "the clients said nothing in 500 ms") in found["traffic"]


def test_another_protocol_on_the_port(myna):
    """What listens there is no MySQL."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def talk():
            while not over.wait(0.05):
                with socket.create_connection(("127.0.0.1", port)) as client:
                    with listener.accept()[0] as server:
                        server.sendall(packet(0, b"220 mail.example.com ESMTP"))
                        client.recv(100)

        worker = threading.Thread(target=talk)
        worker.start()
        try:
            found = doctor(myna, "-i", "lo", "--port", port, "--duration", "1s", status=1)
        finally:
            over.set()
            worker.join()
    assert problems(found) == {"protocol"}
    assert "left the protocol, or never spoke it" in found["protocol"][0][1]


def test_compressed_sessions_are_no_problem(myna, mariadb):
    with busy(connect(mariadb, compression="zlib")):
        found = doctor(myna, "-i", "lo", "--port", mariadb.port, "--duration", "1s", status=0)
    assert not problems(found) and "protocol" not in found
