"""--metrics: figures for Prometheus while a program goes on, and who asks for them does not disturb it."""
import contextlib
import pathlib
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

import scrape
import servers
from harness import TOP, coverage
from workload import connect

QUERIES = 300
CROWD = 1000
SLOW = 40


class Recorder:
    """myna record -i lo with --metrics, during a with block."""

    def __init__(self, myna, folder, port, *options):
        self.myna, self.path, self.said = myna, folder / "live.myna", folder / "said"
        self.command = [myna.path, "record", "-i", "lo", "--port", str(port), "-o", str(self.path), "--metrics", "0",
                        *options]

    def __enter__(self):
        with self.said.open("w") as said:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        servers.wait_until_listening(self.process, self.said)
        self.url = scrape.where(self.said, self.process)
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGINT)
        self.status = self.process.wait(timeout=scrape.SECONDS)


def talk(server, count=QUERIES):
    with connect(server) as c:
        for n in range(count):
            c.query(f"SELECT 'a secret word', {n}")


def documented():
    return set(re.findall(r"`((?:myna|process)_[a-z_]+)`", (TOP / "docs" / "metrics.md").read_text()))


def test_a_recorder_tells_all_that_is_counted(mariadb, myna, tmp_path):
    with Recorder(myna, tmp_path, mariadb.port) as recorder:
        before = scrape.get(recorder.url)
        talk(mariadb)
        # Figures are of the moment: they need not have been taken together.
        after = scrape.wait_for(recorder.url, lambda f: f.of("myna_exchanges_total") >= QUERIES
                                and f.of("myna_commands_total") >= QUERIES)
    assert recorder.status == 0, recorder.said.read_text()
    assert scrape.promtool(before) == scrape.promtool(after) == ""
    assert before.types == after.types
    assert set(after.types) <= documented()
    counted = [name for name, value in coverage(myna.export(recorder.path)).items() if isinstance(value, int)]
    assert {f"myna_{name}_total" for name in counted if name != "frames"} <= set(after.types)
    assert after.of("myna_valid_packets_total") >= QUERIES and after.of("myna_sessions_total") >= 1
    assert after.of("myna_recorded_bytes_total") > 0 and after.of("process_resident_memory_bytes") > 1e6
    assert after["myna_command_info", "record"] == 1
    for private in ("secret", "SELECT", "root"):
        assert private not in after.text


def test_a_replay_tells_how_late_it_is(mariadb, target, myna, tmp_path):
    with Recorder(myna, tmp_path, mariadb.port) as recorder:
        talk(mariadb)
        time.sleep(1)
        with connect(mariadb) as c:  # so that there is something to wait for
            time.sleep(2)
            c.query("SELECT 2")
    said = tmp_path / "replayed"
    with said.open("w") as out:
        process = subprocess.Popen([myna.path, "replay", recorder.path, "--target", target.url(), "--speed", "0.1",
                                    "--metrics", "127.0.0.1:0", "--status-interval", "500ms"], stdout=out, stderr=out)
    try:
        url = scrape.where(said, process)
        figures = scrape.wait_for(url, lambda f: f.of("myna_replay_sent_total") > 10
                                  and f.of("myna_replay_lateness_seconds_count") > 10
                                  and f["myna_replay_answers_total", "same"] > 10)
    finally:
        process.kill()
        process.wait()
    assert scrape.promtool(figures) == ""
    assert set(figures.types) <= documented()
    assert figures.of("myna_replay_answered_total") > 10 and figures.types["myna_replay_connections"] == "gauge"
    assert figures["myna_replay_not_sent_total", "connection_lost"] == 0
    assert "secret" not in figures.text and "SELECT" not in figures.text
    line = r"^myna replay: [-\d]+ [:\d]+: \d+ sessions?, .* \d+ sent, \d+ errors?, \d+ connections?, .* late, .* waiting"
    assert re.search(line, said.read_text(), re.M)


def test_all_figures_are_documented_and_nothing_else():
    """Of every command: as the lists in the sources have them."""
    rows = (TOP / "src" / "cli" / "figure_list.h").read_text()
    listed = set(re.findall(r'"(myna_[a-z_]+)"', rows))
    counted = set(re.findall(r"^COVERAGE\((\w+)", (TOP / "src" / "event" / "coverage_list.h").read_text(), re.M))
    outcome = (TOP / "src" / "replay" / "outcome.h").read_text()
    replayed = set(re.findall(r"COUNT\((\w+),", outcome)) - {"name"}
    written = set(re.findall(r'"((?:myna|process)_[a-z_]+)"', (TOP / "src" / "cli" / "figures.c").read_text()))
    metrics = (listed | written | {f"myna_{name}_total" for name in counted - {"frames"}}
               | {f"myna_replay_{name}_total" for name in replayed - {"spool_peak"}} | {"myna_replay_spool_peak_bytes"})
    assert metrics == documented()


# --- who asks ---

def address(url):
    parts = urllib.parse.urlsplit(url)
    return parts.hostname, parts.port


def ask(url, request):
    """All that is answered to these bytes."""
    with socket.create_connection(address(url), timeout=scrape.SECONDS) as s:
        s.sendall(request)
        answer = b""
        with contextlib.suppress(ConnectionError):
            while piece := s.recv(65536):
                answer += piece
    return answer


def status(url, method="GET", data=None):
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data, method=method), timeout=scrape.SECONDS) as a:
            return a.status, a.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def test_only_figures_are_served(myna, tmp_path):
    with Recorder(myna, tmp_path, 1) as recorder:
        top = recorder.url.removesuffix("metrics")
        assert address(recorder.url)[0] == "127.0.0.1"
        assert status(top) == (200, b"myna serves its figures at /metrics, in the text format of Prometheus.\n")
        assert status(recorder.url, "HEAD") == (200, b"")
        for path in ("metrics/", "metricsx", "../etc/passwd", "%2fmetrics", "x" * 9000):
            assert status(top + path)[0] in (404, 414, 431), path
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "NONSENSE"):
            assert status(recorder.url, method, b"x=1")[0] == 405
        for garbage in (b"\0" * 100, b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 50 + b"\r\n\r\n",
                        b"GET /metrics HTTP/9.9\r\n\r\n", b"GET / HTTP/1.1\r\nA: " + b"b" * 100000 + b"\r\n\r\n",
                        b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000 + b"\r\n",
                        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n" + b"x" * 1000):
            assert len(ask(recorder.url, garbage)) < 1000
        first = scrape.get(recorder.url).of("myna_figures_timestamp_seconds")
        scrape.wait_for(recorder.url, lambda f: f.of("myna_figures_timestamp_seconds") > first)
    assert recorder.status == 0, recorder.said.read_text()


@contextlib.contextmanager
def sockets(url, count):
    """Connections, as far as they can be had."""
    with contextlib.ExitStack() as stack:
        yield [s for s in (stack.enter_context(socket.socket()) for _ in range(count)) if begin(s, url)]


def begin(s, url):
    s.setblocking(False)
    return s.connect_ex(address(url)) is not None


def drip(all_sockets, byte):
    for s in all_sockets:
        with contextlib.suppress(OSError):
            s.send(byte)


def test_a_crowd_does_not_disturb(mariadb, myna, tmp_path):
    """A thousand connections that say nothing, and some that never end what they say: nobody's commands are missed, and who
    asks in earnest is answered in the end."""
    with Recorder(myna, tmp_path, mariadb.port) as recorder:
        files = pathlib.Path(f"/proc/{recorder.process.pid}/fd")
        before = len(list(files.iterdir()))
        with sockets(recorder.url, CROWD) as crowd, sockets(recorder.url, SLOW) as slow:
            drip(slow, b"GET /metrics HTTP/1.1\r\nA: ")
            with connect(mariadb) as c:
                for n in range(QUERIES):
                    c.query(f"SELECT {n}")
                    if n % 10 == 0:
                        drip(slow, b"x")
            assert len(crowd) == CROWD
            assert len(list(files.iterdir())) <= before + 70
            scrape.wait_for(recorder.url, lambda f: drip(slow, b"x") or f)
        figures = scrape.wait_for(recorder.url, lambda f: f.of("myna_commands_total") >= QUERIES)
    assert recorder.status == 0, recorder.said.read_text()
    assert figures.of("myna_kernel_drops_total") == 0
    assert sum(e["type"] == "exchange" and e["command"] == "QUERY" for e in myna.export(recorder.path)) >= QUERIES


# --- where, and with what rights ---

def test_a_port_in_use_is_told_at_once(myna, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = myna.run("record", "-i", "lo", "-o", tmp_path / "a.myna", "--metrics", f":{port}", status=(1,))
    assert done.stderr.strip() == f"myna record: --metrics: cannot listen on 127.0.0.1:{port}: Address already in use"
    assert not (tmp_path / "a.myna").exists()


@pytest.mark.parametrize("wrong", ["host", "1.2.3.4", "::1:9104", "99999", "[::1]"])
def test_what_is_no_address_is_told(myna, tmp_path, wrong):
    done = myna.run("record", "-i", "lo", "-o", tmp_path / "a.myna", "--metrics", wrong, status=(2,))
    assert "--metrics takes a port" in done.stderr and wrong in done.stderr


def test_its_thread_has_no_privileges(myna, tmp_path):
    with Recorder(myna, tmp_path, 1) as recorder:
        scrape.wait_for(recorder.url, lambda f: True)
        for thread in pathlib.Path(f"/proc/{recorder.process.pid}/task").iterdir():
            assert re.search(r"^CapEff:\s+0+$", (thread / "status").read_text(), re.M), thread
