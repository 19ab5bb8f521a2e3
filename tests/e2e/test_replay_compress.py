"""What is said to the target is compressed where that is asked for, by the algorithms that the server has."""
import random
import re

import pytest

import harness
from conftest import KINDS, SHOP
from replaying import counted, outcome_of
from workload import connect

LONG = (1 << 24) + 1000
STATUS = {"mysql97": "performance_schema.session_status"}
HAS_TLS = ("mariadb118", "mysql97")


@pytest.mark.parametrize("kind", KINDS)
def test_all_is_compressed(pool, myna, record, tmp_path, kind):
    """Statements and answers over 16 MiB, a file, a change of user; over TLS, too. The target itself tells that it is."""
    server = pool.get(kind)
    path = tmp_path / "rows.txt"
    noise = random.Random(4)
    path.write_text("".join(f"{i}\t{noise.getrandbits(300):x}\n" for i in range(10, 2000)))
    length = LONG if kind in ("mariadb", "mysql97") else 1 << 20
    table = STATUS.get(kind, "information_schema.session_status")

    def workload(server):
        with connect(server, database="shop", local_infile=True, autocommit=True, max_allowed_packet=1 << 30) as c:
            c.query(f"INSERT INTO item (id, name) SELECT 5000, variable_value FROM {table} "
                    "WHERE variable_name = 'Compression'")
            c.query(f"SET @a = '{noise.randbytes(length // 2).hex()}'")
            c.query("SELECT @a, CRC32(@a)")
            c.query(f"LOAD DATA LOCAL INFILE '{path}' INTO TABLE item (id, name)")
            for i in range(300):
                c.query(f"SELECT {i}, name FROM item WHERE id = {i}")
    server.execute(SHOP)
    recording, _ = record(server, workload)
    wanted = server.execute("SELECT COUNT(*), SUM(CRC32(name)) FROM shop.item WHERE id < 5000")
    assert server.execute("SELECT name FROM shop.item WHERE id = 5000") == "OFF\n"
    ways = [["--compress"], ["--compression-algorithms", "zlib"]]
    if kind == "mysql97":
        ways[1] = ["--compression-algorithms", "zstd,zlib", "--zstd-compression-level", "9"]
    for way, tls in zip(ways, (False, kind in HAS_TLS)):
        server.execute(SHOP)
        outcome, _ = outcome_of(myna, recording, server, *way, "--ssl-mode", "REQUIRED" if tls else "DISABLED",
                                status=(0,))
        assert outcome["differences"] == 0 and outcome["sent"] == outcome["commands"] and not outcome["notes"]
        assert server.execute("SELECT name FROM shop.item WHERE id = 5000") == "ON\n"
        assert server.execute(
            "SELECT COUNT(*), SUM(CRC32(name)) FROM shop.item WHERE id < 5000") == wanted


def test_by_which_algorithm(mysql97, shop, myna, record, tmp_path):
    """As heard on the wire."""
    def workload(server):
        with connect(server, database="shop", autocommit=True) as c:
            c.query("SELECT '" + "x" * 1000 + "'")
            c.select_db("mysql")
    recording, said = record(mysql97, workload)
    for url, wanted in (("?compress=1&ssl-mode=DISABLED", "zlib"),
                        ("?compression-algorithms=zstd&ssl-mode=DISABLED", "zstd"),
                        ("?compression-algorithms=uncompressed,zstd&ssl-mode=DISABLED", "none")):
        capture = harness.myna_record(myna, tmp_path / f"{wanted}.myna", mysql97.port)
        mysql97.log_clear()
        with capture:
            myna.run("replay", recording, "--target", mysql97.url() + url)
        harness.assert_replayed(said, harness.sessions_over_tcp(mysql97.general_log()))
        heard = {e.get("compression") for e in myna.export(capture.path) if e["type"] == "session" and "user" in e}
        assert wanted in heard


def test_what_the_server_does_not_offer(mariadb, shop, myna, record, tmp_path):
    """MariaDB has no zstd: told where it may go without, refused where not. And what cannot be meant."""
    recording, _ = record(mariadb, lambda server: connect(server).close())
    outcome, _ = outcome_of(myna, recording, mariadb, "--compression-algorithms", "zstd,uncompressed", status=(0,))
    told = {note["text"]: note["count"] for note in outcome["notes"]}
    assert told["sessions that are not compressed, as the target does not offer it"] == 1
    done = myna.run("replay", recording, "--target", mariadb.url(), "--compression-algorithms", "zstd", status=(1,))
    assert "does not offer the compression" in done.stderr
    for option, value in (("--compression-algorithms", "lz4"), ("--zstd-compression-level", "23")):
        done = myna.run("replay", recording, "--target", mariadb.url(), option, value, status=(2,))
        assert option in done.stderr and value in done.stderr
    options = tmp_path / "my.cnf"
    options.write_text("[client]\ncompress\n")
    outcome, _ = outcome_of(myna, recording, mariadb, "--defaults-file", options, status=(0,))
    assert not counted(outcome["not_sent"]) and not outcome["notes"]
    options.write_text("[client]\ncompress=perhaps\n")
    done = myna.run("replay", recording, "--target", mariadb.url(), "--defaults-file", options, status=(2,))
    assert re.search(r"my\.cnf:2: compress is 1 or 0", done.stderr)
