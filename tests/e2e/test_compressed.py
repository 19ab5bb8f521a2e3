"""Sessions that speak the compressed protocol are heard, recorded and replayed like any other."""
import random

import pytest

import binary
import harness
from replaying import replay
from workload import command_line, connect

WAYS = [("mariadb", "zlib"), ("mariadb118", "zlib"), ("mysql97", "zlib"), ("mysql97", "zstd")]
LONG = 20 << 20  # bytes: over what a packet can hold, and a frame


@pytest.fixture(params=WAYS, ids="-".join)
def way(request, pool):
    """(server, compression)"""
    kind, compression = request.param
    server = pool.get(kind)
    server.execute(SETUP)
    server.log_clear()
    return server, compression


SETUP = """
DROP DATABASE IF EXISTS shop;
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;
CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100), note LONGBLOB);
INSERT INTO item (name, note) VALUES ('anvil', 'heavy'), ('feather', NULL), ('rope', '');
"""


def text(length):
    """That cannot be packed to less than a half."""
    return random.Random(length).randbytes(length // 2).hex()


def client_option(server, compression):
    return f"--compression-algorithms={compression}" if server.client_program == "mysql" else "--compress"


def of_type(events, kind):
    return [e for e in events if e["type"] == kind]


def assert_compressed(events, compression):
    sessions = of_type(events, "session")
    assert sessions and {s["compression"] for s in sessions} == {compression}
    count = harness.coverage(events)
    assert count["compressed"] == len(sessions)
    assert (count["undecoded_bytes"], count["passed_bytes"], count["lost_responses"]) == (0, 0, 0)


def test_command_line_client(way, hear):
    server, compression = way
    long = text(LONG)

    def work(server):
        command_line(server, client_option(server, compression), "--max-allowed-packet=1G", "shop",
                     sql=f"SELECT * FROM item;\nSELECT REPEAT('x', {LONG});\nUPDATE item SET note = '{long}' WHERE "
                         "id = 1;\nSELECT note FROM item WHERE id = 1;\n")

    events, log = hear(server, work, busy=True)
    harness.assert_heard_all(events, log)
    assert_compressed(events, compression)
    update = [e for e in of_type(events, "exchange") if e.get("sql", "").startswith("UPDATE")]
    assert len(update) == 1 and update[0]["sql"] == f"UPDATE item SET note = '{long}' WHERE id = 1"
    assert update[0]["affected_rows"] == 1
    assert of_type(events, "end")[-1]["reason"] == "quit"


def statements(server, compression):
    with connect(server, compression, database="shop", autocommit=True) as c:
        c.query("SELECT id, name FROM item ORDER BY id")
        insert = binary.Statement(c, "INSERT INTO item (name, note) VALUES (?, ?)")
        insert.execute("saw", b"sharp " * 50)
        insert.long_data(1, text(3000).encode())
        insert.long_data(1, b" and more")
        insert.execute("file", b"", long_data=(1,))
        walked = binary.Statement(c, "SELECT id, name, note FROM item WHERE id > ? ORDER BY id")
        walked.execute(0, cursor=binary.CURSOR_READ_ONLY)
        while walked.fetch(2)[1]:
            pass
        walked.close()
        insert.close()
        c.query(f"SELECT '{text(50000)}'")
        c.ping(reconnect=False)


def test_prepared_statements(way, hear):
    server, compression = way
    events, log = hear(server, lambda s: statements(s, compression))
    harness.assert_heard_all(events, log)
    assert_compressed(events, compression)
    fetched = [e["rows"] for e in of_type(events, "exchange") if e["command"] == "STMT_FETCH"]
    assert sum(fetched) == 5


def test_joined_in_the_middle(way, hear):
    """Listening begins when the session is under way, with a command that is packed, or one that is not."""
    server, compression = way
    with connect(server, compression, database="shop") as c:
        def work(_):
            c.query(f"SELECT '{text(5000)}', 'and then'")
            c.query("SELECT id, name, 'abc abc abc abc abc abc abc abc abc abc abc' FROM item")

        events, _ = hear(server, work)
    assert_compressed(events, compression)
    assert [s["joined"] for s in of_type(events, "session")] == [True]
    told = [(e["sql"], e["response"], e["rows"]) for e in of_type(events, "exchange") if e["command"] == "QUERY"]
    assert told == [(f"SELECT '{text(5000)}', 'and then'", "resultset", 1),
                    ("SELECT id, name, 'abc abc abc abc abc abc abc abc abc abc abc' FROM item", "resultset", 3)]


def test_long_local_infile(way, hear):
    """More than 256 pieces: their numbers wrap around."""
    server, compression = way
    rows = server.datadir / "rows.txt"
    # MySQL's client lives in the server's root.
    path = rows if server.client_program == "mariadb" else server.inner(rows.name)
    rows.write_text("".join(f"{text(10000 + i % 7)}\n" for i in range(600)))

    def work(server):
        command_line(server, client_option(server, compression), "--local-infile=1", "shop",
                     sql=f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE item (note);\nSELECT COUNT(*) FROM item;\n")

    events, log = hear(server, work, busy=True)
    harness.assert_heard_all(events, log)
    assert_compressed(events, compression)
    load = [e for e in of_type(events, "exchange") if e.get("sql", "").startswith("LOAD")]
    assert [(e["response"], e["affected_rows"], e["infile_bytes"]) for e in load] == [
        ("ok", 600, rows.stat().st_size)]
    rows.unlink()


def test_recording_and_replay(way, target, shop, myna, record):
    server, compression = way
    target.execute(SETUP)
    recording, source = record(server, lambda s: statements(s, compression))
    assert_compressed(myna.export(recording), compression)
    _, replayed, _ = replay(myna, recording, target, status=(0,))
    harness.assert_replayed(source, replayed)
