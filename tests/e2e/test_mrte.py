"""kakao MRTE's messages, over RabbitMQ: what its player is given, and what its collector gives."""
import json
import pathlib
import re
import signal
import struct
import subprocess
import sys
import time
import zlib

import pika
import pytest
from pymysql.constants import CLIENT

import broker as rabbitmq
import servers
from workload import connect

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "golden"))
import pcap  # noqa: E402

pytestmark = pytest.mark.once

CAPTURES = pathlib.Path(__file__).parent.parent / "golden" / "captures"
COLLECTOR = bytes([127, 0, 0, 1])
QUIT, INIT_DB, QUERY, FIELD_LIST = 1, 2, 3, 4
CONNECT_WITH_DB, SECURE_CONNECTION = 8, 0x8000


@pytest.fixture(scope="module")
def broker(tmp_path_factory):
    try:
        with rabbitmq.Broker(tmp_path_factory.mktemp("broker") / "b") as b:
            yield b
    except servers.Unavailable as e:
        pytest.skip(str(e))


@pytest.fixture
def channel(broker):
    """With the exchange and the queue as MRTE's operators make them, and nothing in it."""
    with pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", broker.port)) as connection:
        made = connection.channel()
        made.exchange_declare("mrte", "direct", durable=False)
        made.queue_declare("queue1", durable=False)
        made.queue_bind("queue1", "mrte", "")
        made.queue_purge("queue1")
        yield made


# --- MRTE-Player's eyes ---

def units(body):
    """(client's port, data) of a message; the length, the address and the checksum have to be right."""
    assert body[:4] == COLLECTOR
    at = 4
    while at < len(body):
        (length,) = struct.unpack_from("<I", body, at)
        unit = body[at + 4:at + 4 + length]
        assert len(unit) == length > 10
        assert struct.unpack("<I", unit[-4:])[0] == zlib.adler32(unit[:-4][:22])
        assert unit[:4] == COLLECTOR
        yield struct.unpack_from("<H", unit, 4)[0], unit[6:-4]
        at += 4 + length


def login_database(payload):
    flags = struct.unpack_from("<I", payload)[0]
    assert flags & 0x200 and flags & SECURE_CONNECTION
    user, rest = payload[32:].split(b"\0", 1)
    assert rest[0] == 0, "authentication data"
    return rest[1:].split(b"\0")[0].decode() if flags & CONNECT_WITH_DB else ""


class Player:
    """Of each client what MRTE-Player would do for it, by its rules: a packet in a unit, sequence 0 is a command."""

    def __init__(self):
        self.done = {}

    def take(self, port, data):
        (length,) = struct.unpack("<I", data[:3] + b"\0")
        assert length + 4 == len(data) <= 65533
        entries = self.done.setdefault(port, [])
        if data[3] == 1:
            entries.append(("login", login_database(data[4:])))
            return
        assert data[3] == 0 and entries, "a command before the session began"
        entries.append((data[4], data[5:].decode()))


def played(channel):
    player = Player()
    while True:
        method, properties, body = channel.basic_get("queue1", auto_ack=True)
        if method is None:
            return player.done
        assert properties.content_type == "text/plain" and properties.delivery_mode == 1
        for port, data in units(body):
            player.take(port, data)


def statements_done(text):
    """Of a text of the captures each statement that the server came to."""
    each = text.split("; ")
    return each[:each.index("SELEC") + 1] if "SELEC" in each else each


def heard(myna, path):
    """The same of what export says."""
    entries = []
    for e in myna.export(path):
        if e["type"] == "session":
            entries.append(("login", e["database"] or ""))
        elif e["type"] == "exchange" and e["command"] in ("QUERY", "STMT_EXECUTE"):
            entries += [(QUERY, one) for one in statements_done(e.get("text") or e["sql"])]
        elif e["type"] == "exchange" and e["command"] == "INIT_DB":
            entries.append((INIT_DB, e["sql"]))
        elif e["type"] == "end":
            entries.append((QUIT, ""))
    return entries


@pytest.mark.parametrize("name", ["text-mariadb", "prepared-mariadb", "prepared-mysql97", "several-results-mariadb"])
def test_a_player_is_given_what_it_can_do(broker, channel, myna, tmp_path, name):
    path = CAPTURES / f"{name}.pcap.gz"
    done = myna.run("publish", path, "--to", broker.url(), "--format", "mrte", "--spool", tmp_path, status=(0, 3))
    assert "confirmed 1 block" in done.stderr
    [entries] = played(channel).values()
    assert [e for e in entries if e[0] != FIELD_LIST] == heard(myna, path)


def test_what_it_cannot_do_is_told(broker, channel, myna, tmp_path):
    done = myna.run("publish", CAPTURES / "link-ipv6.pcap.gz", "--to", broker.url(), "--format", "mrte", "--spool",
                    tmp_path, status=(3,))
    assert re.search(r"left out: \d+ commands of clients that have no IPv4 address", done.stderr)
    done = myna.run("publish", CAPTURES / "infile-mariadb.pcap.gz", "--to", broker.url(), "--format", "mrte",
                    "--max-packet", "40", "--spool", tmp_path, status=(3,))
    assert "bytes of files that clients sent" in done.stderr
    assert "2 statements that load files of their clients'" in done.stderr
    assert "longer than MRTE-Player takes" in done.stderr
    done = myna.run("publish", CAPTURES / "text-mariadb.pcap.gz", "--to", broker.url(), "--format", "mrte",
                    "--exchange", "nowhere", "--spool", tmp_path, status=(2,))
    assert "nowhere" in done.stderr


# --- MRTE-Collector's hands ---

def client_segments(path):
    """Payloads of the TCP segments to the server, in order."""
    for frame in pcap.read(path)[1]:
        ip = frame.data[14:]
        tcp = ip[(ip[0] & 15) * 4:struct.unpack_from(">H", ip, 2)[0]]
        data = tcp[(tcp[12] >> 4) * 4:]
        if struct.unpack_from(">H", tcp, 2)[0] == 3306 and data:
            yield struct.unpack_from(">H", tcp)[0], data


def unit(port, data):
    body = COLLECTOR + struct.pack("<H", port) + data
    return struct.pack("<I", len(body) + 4) + body + struct.pack("<I", zlib.adler32(body[:22]))


def collect(channel, segments, each=5):
    made = [unit(*s) for s in segments]
    for i in range(0, len(made), each):
        channel.basic_publish("mrte", "", COLLECTOR + b"".join(made[i:i + each]))


def url(broker):
    return broker.url() + "?queue=queue1&format=mrte"


def commands(events):
    return [(e["command"], e.get("text") or e.get("sql")) for e in events if e["type"] == "exchange"]


def test_what_a_collector_published_is_heard(broker, channel, myna):
    path = CAPTURES / "text-mariadb.pcap.gz"
    segments = list(client_segments(path))
    segments.insert(1, segments[0])  # a retransmission of the login
    collect(channel, segments)
    done = myna.run("export", url(broker), "--format", "jsonl", "--idle-exit", "1s", status=(3,))
    events = [json.loads(line) for line in done.stdout.splitlines()]
    session, = (e for e in events if e["type"] == "session")
    assert (session["user"], session["database"]) == ("root", "shop")
    assert commands(events) == commands(myna.export(path))
    assert "1 of " in done.stderr and "published twice" in done.stderr
    assert broker.waiting()["queue1"] == 0


def test_what_a_collector_published_is_replayed(broker, channel, myna, target, tmp_path):
    target.execute("DROP DATABASE IF EXISTS shop; CREATE DATABASE shop; USE shop; "
                   "CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name TEXT, price INT, note TEXT)")
    target.log_clear()
    path = CAPTURES / "text-mariadb.pcap.gz"
    collect(channel, client_segments(path))
    myna.run("replay", url(broker), "--target", target.url(), "--speed", "max", "--idle-exit", "1s", status=(0, 3))
    wanted = [sql for command, sql in commands(myna.export(path)) if command == "QUERY" and sql.startswith("INSERT")]
    logged = [text for entries in target.general_log().values() for word, text in entries
              if word == "Query" and text.startswith("INSERT")]
    assert wanted and logged == wanted
    assert broker.waiting()["queue1"] == 0


def test_what_the_players_connector_would_stumble_over(broker, channel, mariadb, myna, tmp_path):
    """Names that need quotes, other character sets, several statements: heard live, told so that the player can."""
    mariadb.execute("CREATE DATABASE IF NOT EXISTS `my-db`; CREATE DATABASE IF NOT EXISTS shop")
    said = tmp_path / "said"
    with said.open("w") as out:
        process = subprocess.Popen([myna.path, "publish", "--format", "mrte", "-i", "lo", "--port", str(mariadb.port),
                                    "--to", broker.url(), "--spool", tmp_path, "--linger", "30s"], stderr=out)
    servers.wait_until_listening(process, said)
    with connect(mariadb, database="my-db") as c:
        c.query("SET NAMES latin1")
        c.query("DO '\xe9'".encode("latin1"))
        c.select_db("shop")
        c.select_db("my-db")
    with connect(mariadb, client_flag=CLIENT.MULTI_STATEMENTS) as c:
        c.query("DO 1; DO ';'; DO 3")
        while c.next_result() is not None and c._result.has_next:
            pass
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    first, second = [[e for e in entries if not str(e[1]).startswith("SET AUTOCOMMIT")]
                     for entries in played(channel).values()]
    assert first == [("login", ""), (QUERY, "USE `my-db`"), (QUERY, "SET NAMES latin1"),
                     (QUERY, "SET character_set_client = utf8mb4"), (QUERY, "DO '\xe9'"), (INIT_DB, "shop"),
                     (QUERY, "USE `my-db`"), (QUIT, "")]
    assert second == [("login", ""), (QUERY, "DO 1"), (QUERY, "DO ';'"), (QUERY, "DO 3"), (QUIT, "")]


def test_there_and_back(broker, channel, myna, tmp_path):
    path = CAPTURES / "prepared-mariadb.pcap.gz"
    myna.run("publish", path, "--to", broker.url(), "--format", "mrte", "--spool", tmp_path, status=(0, 3))
    done = myna.run("export", url(broker), "--format", "jsonl", "--idle-exit", "1s", status=(3,))
    got = [text for command, text in commands(map(json.loads, done.stdout.splitlines())) if command == "QUERY"]
    assert got == [text for command, text in commands(myna.export(path)) if command in ("QUERY", "STMT_EXECUTE")]


def test_a_collectors_start_script_works(broker, channel, mariadb, myna, tmp_path):
    """MRTE-Collector's options, its account for the server included, and its columns; a statement from before."""
    with connect(mariadb) as c:
        arguments = ["--direction=in", "--interface=lo", f"--port={mariadb.port}", "--snapshot_len=8192",
                     "--read_timeout=100", "--queue_size=100", "--thread_count=5", "--max_mem_mb=64",
                     "--rabbitmq_host=127.0.0.1", f"--rabbitmq_port={broker.port}", "--rabbitmq_user=guest",
                     "--rabbitmq_password=guest", "--rabbitmq_exchange_name=mrte", "--rabbitmq_routing_key=",
                     "--mysql_host=127.0.0.1", "--mysql_user=root", "--mysql_password="]
        said = tmp_path / "said"
        with said.open("w") as out:
            process = subprocess.Popen([myna.path, "publish", "--format", "mrte", *arguments, "--spool", tmp_path,
                                        "--status-interval", "200ms"], stderr=out)
            servers.wait_until_listening(process, said)
            time.sleep(1)
            with pathlib.Path(f"/proc/{process.pid}/cmdline").open("rb") as line:
                assert b"password=guest" not in line.read()
            c.query("SELECT 'heard'")
            time.sleep(1)
            process.send_signal(signal.SIGINT)
            process.wait(timeout=30)
    lines = said.read_text().splitlines()
    assert [line for line in lines if line.startswith("[INFO]")] == [
        f"[INFO]  MRTECollector : Setting capture filter to ' tcp port {mariadb.port} '",
        "[INFO]  Send init database information of all session (1). Wait ...",
        "[INFO]  Send init database information of all session (2). Done"]
    header = next(line for line in lines if line.startswith("DateTime"))
    assert header.split() == ["DateTime", "TotalPacket", "ValidPacket", "PacketDropped", "PacketIfDropped",
                              "WaitingQueueCnt", "MQError"]
    assert sum(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d( +\d+){6}$", line) is not None for line in lines) > 3
    assert any((QUERY, "SELECT 'heard'") in entries for entries in played(channel).values())
