"""What differed: each planted difference is found, nothing else is, and what is no real difference is set apart with its reason."""
import json

import pytest

from replaying import counted, outcome_of
from workload import connect

TABLES = """DROP DATABASE IF EXISTS cmp; CREATE DATABASE cmp; USE cmp;
CREATE TABLE t (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20), price DOUBLE, n INT, KEY (name));
INSERT INTO t (name, price, n) VALUES ('axe', 1.5, 1), ('saw', 2.5, 2), ('nail', 0.25, 3), ('rope', 9, 4)"""
READ = ("SELECT id, name, price FROM t ORDER BY id", "SELECT name, n FROM t WHERE n > 1 ORDER BY n",
        "SELECT price FROM t ORDER BY id", "UPDATE t SET n = n + 1 WHERE name = 'saw'", "INSERT INTO t (name) VALUES ('pin')")


def say(server, *statements):
    with connect(server, database="cmp", autocommit=True) as c:
        for sql in statements:
            c.query(sql)


@pytest.fixture
def compared(mariadb, target, myna, record):
    """Records STATEMENTS on the source and replays them on the target, where PLANT was done before."""
    def run(*statements, plant="", status=(0, 3), options=()):
        mariadb.execute(TABLES)
        recording, _ = record(mariadb, say, *statements)
        target.execute(TABLES)
        if plant:
            target.execute(f"USE cmp; {plant}")
        return outcome_of(myna, recording, target, *options, status=status)[0]
    return run


def differing(outcome):
    return {name: n for name, n in counted(outcome["verdicts"]).items() if name not in ("same", "no_answer")}


def test_the_same_data_give_the_same_answers(compared):
    outcome = compared(*READ, status=(0,))
    assert not differing(outcome) and not counted(outcome["set_apart"])


@pytest.mark.parametrize("plant, wanted", [
    ("UPDATE t SET name = 'sax' WHERE id = 2", {"other_values": 2, "other_affected": 1}),
    ("DELETE FROM t WHERE id = 4", {"other_row_count": 3}),
    ("UPDATE t SET price = 2.500001 WHERE id = 2", {"other_floats": 2}),
    ("DROP TABLE t", {"error_new": 5}),
    ("ALTER TABLE t DROP COLUMN price", {"error_new": 2}),
    ("ALTER TABLE t MODIFY n DECIMAL(10,0)", {"other_types": 1}),
    ("ALTER TABLE t AUTO_INCREMENT = 100", {"other_insert_id": 1}),
    ("ALTER TABLE t ADD UNIQUE (name); INSERT INTO t (name) VALUES ('pin')", {"other_row_count": 2, "error_new": 1}),
], ids=["changed row", "missing row", "changed float", "missing table", "missing column", "type", "next id", "unique"])
def test_each_planted_difference_is_found_and_nothing_else(compared, plant, wanted):
    outcome = compared(*READ, plant=plant, status=(3,))
    assert differing(outcome) == wanted and not counted(outcome["set_apart"])


def test_an_sql_mode_makes_another_statement_of_it(target, compared):
    target.execute("SET GLOBAL sql_mode = 'ANSI_QUOTES'")
    try:
        assert differing(compared('SELECT "axe"', "SELECT 1", status=(3,))) == {"error_new": 1}
    finally:
        target.execute("SET GLOBAL sql_mode = DEFAULT")


@pytest.mark.parametrize("sql, reason", [
    ("SELECT NOW(6)", "clock"), ("SELECT UUID()", "chance"), ("SELECT RAND()", "chance"),
    ("SELECT CONNECTION_ID()", "connection"), ("SELECT @@port", "server"), ("SHOW VARIABLES LIKE 'port'", "server"),
    ("UPDATE t SET n = 0 WHERE UNIX_TIMESTAMP() * 0 + id <= RAND() * 0 + @@port - @@port + 2", None)])
def test_what_the_statement_asks_for_is_set_apart(compared, sql, reason):
    outcome = compared("SELECT id FROM t ORDER BY id", sql, status=(0,))
    assert counted(outcome["set_apart"]) == ({reason: 1} if reason else {})
    assert not differing(outcome)


def test_prepared_statements_are_set_apart_by_their_text(mariadb, target, myna, record):
    import binary

    def workload(server):
        with connect(server, autocommit=True) as c:
            binary.Statement(c, "SELECT UUID(), ?").execute(1)
    recording, _ = record(mariadb, workload)
    outcome, _ = outcome_of(myna, recording, target, status=(0,))
    assert counted(outcome["set_apart"]) == {"chance": 1}


def test_the_order_of_rows_counts_only_if_it_was_asked_for(compared):
    """The rows lie in another order in the target's table, which has no primary key."""
    plant = ("CREATE TABLE u (name VARCHAR(20), k INT) AS SELECT name, 1 AS k FROM t ORDER BY id DESC")
    source = "CREATE TABLE u (name VARCHAR(20), k INT) AS SELECT name, 1 AS k FROM t ORDER BY id"
    outcome = compared(source, "SELECT name FROM u", "SELECT name FROM u ORDER BY k", plant=plant)
    assert counted(outcome["set_apart"]) == {"any_order": 1}
    assert differing(outcome) == {"error_new": 1, "other_order": 1}


def test_ids_that_several_sessions_draw_are_set_apart(mariadb, target, myna, record):
    """On the target the next id is another one, as if a session had been faster."""
    def workload(server):
        with connect(server, database="cmp", autocommit=True) as c, connect(server, database="cmp") as other:
            other.query("SELECT 1")
            c.query("INSERT INTO t (name) VALUES ('pin')")
            c.query("SELECT LAST_INSERT_ID()")
            c.query("SELECT id, name FROM t WHERE name = 'pin'")
            c.query("SELECT id, name FROM t WHERE name = 'axe'")
    mariadb.execute(TABLES)
    recording, _ = record(mariadb, workload)
    target.execute(TABLES + "; ALTER TABLE t AUTO_INCREMENT = 50")
    outcome, _ = outcome_of(myna, recording, target, status=(0,))
    assert counted(outcome["set_apart"]) == {"auto_increment": 3} and not differing(outcome)


HOSTILE = "</code><script>alert(1)</script>"


def test_the_page_needs_nothing_and_lets_no_statement_become_code(mariadb, target, myna, record, tmp_path):
    def workload(server):
        with connect(server, database="cmp", autocommit=True) as c:
            for _ in range(25):
                c.query(f"SELECT name AS `{HOSTILE}` FROM t WHERE name <> 'secret value' ORDER BY id")
                c.query(f"SELECT price AS a FROM t WHERE name = '{HOSTILE}'")
    mariadb.execute(TABLES)
    recording, _ = record(mariadb, workload)
    target.execute(f"{TABLES}; UPDATE t SET name = 'sax' WHERE id = 2; ALTER TABLE t DROP COLUMN price")
    page = tmp_path / "out.html"
    outcome_of(myna, recording, target, "--report", page, status=(3,))
    text = page.read_text()
    assert "<script" not in text and "secret" not in text and "&lt;script&gt;" in text
    assert "http:" not in text and "https:" not in text and "src=" not in text
    assert text.count("<svg") >= 2 and "error 1054" in text and "'price'" not in text
    outcome_of(myna, recording, target, "--report", page, "--raw", status=(3,))
    text = page.read_text()
    assert "<script" not in text and "secret value" in text and "&#39;price&#39;" in text


def test_what_makes_the_exit_status(mariadb, target, myna, record):
    mariadb.execute(TABLES)
    recording, _ = record(mariadb, say, "SELECT name FROM t ORDER BY id")
    target.execute(f"{TABLES}; UPDATE t SET name = 'sax' WHERE id = 2")
    for wanted, status in (("errors", 0), ("rows", 3), ("errors,missing", 0), ("none", 0), ("errors,rows", 3)):
        outcome_of(myna, recording, target, "--fail-on", wanted, status=(status,))
    done = myna.run("replay", recording, "--target", target.url(), "--fail-on", "everything", status=(2,))
    assert "everything" in done.stderr


def test_a_dropped_index_is_slower(mariadb, target, myna, record):
    """Found by the latency alone, and only where the index was used."""
    fill = ("DROP DATABASE IF EXISTS cmp; CREATE DATABASE cmp; USE cmp; CREATE TABLE t (id INT PRIMARY KEY, k INT, KEY (k));"
            "INSERT INTO t SELECT seq, seq * 7 % 50000 FROM seq_1_to_50000")

    def workload(server):
        with connect(server, database="cmp", autocommit=True) as c:
            for number in range(60):
                c.query(f"SELECT id FROM t WHERE k = {number * 3} ORDER BY id")
                c.query(f"SELECT k FROM t WHERE id = {number * 5} ORDER BY id")
    mariadb.execute(fill)
    recording, _ = record(mariadb, workload)
    target.execute(f"{fill}; ALTER TABLE t DROP INDEX k")
    outcome, _ = outcome_of(myna, recording, target, "--fail-on", "errors,rows,latency:300%", status=(3,))
    assert not differing(outcome)
    by_text = {d["digest"]: d["latency_ratio"] for d in outcome["digests"]}
    slower = by_text["SELECT id FROM t WHERE k = ? ORDER BY id"]
    assert slower["verdict"] == "slower" and slower["low"] > 3 and slower["p_adjusted"] < 0.001
    assert by_text["SELECT k FROM t WHERE id = ? ORDER BY id"]["ratio"] < slower["low"]
    assert outcome["digests"][0]["digest"].endswith("WHERE k = ? ORDER BY id"), "not ranked first"
    done = myna.run("replay", recording, "--target", target.url(), "--explain", status=(0,))
    plan = done.stdout.split("EXPLAIN of SELECT id FROM t WHERE k = ? ORDER BY id")[1]
    assert "table: t  type: index  key: PRIMARY" in plan or "type: ALL" in plan


@pytest.fixture
def reading(mariadb, myna, record):
    """A recording of statements that only read, some of them of a table that another server may have otherwise."""
    def workload(server):
        with connect(server, database="cmp", autocommit=True) as c:
            for number in range(30):
                c.query("SELECT id, name FROM t ORDER BY id")
                c.query(f"SELECT n FROM t WHERE id = {number % 4 + 1} ORDER BY n")
            c.query("SELECT price FROM t ORDER BY id")
    mariadb.execute(TABLES)
    return record(mariadb, workload)[0]


def test_two_targets_are_compared_with_each_other_and_not_with_the_recording(mariadb, target, pool, myna, reading):
    """Both have a change that the recorded server did not have; only the second has the other one."""
    second = pool.get("mariadb118", "second")
    for server in (target, second):
        server.execute(f"{TABLES}; UPDATE t SET name = 'sax' WHERE id = 2")
    second.execute("ALTER TABLE cmp.t DROP COLUMN price")
    outcome, _ = outcome_of(myna, reading, target, "--target", second.url(), status=(3,))
    assert differing(outcome) == {"error_new": 1}
    assert outcome["before"].startswith("A: ") and str(second.port) in outcome["after"]
    row = next(d for d in outcome["digests"] if d["digest"].startswith("SELECT id"))
    assert row["recorded"]["calls"] == row["replayed"]["calls"] == 30
    assert row["recorded"]["latency"]["count"] == 30
    outcome, _ = outcome_of(myna, reading, target, "--target", target.url(), status=(0,))
    assert not differing(outcome)


def test_what_differs_from_run_to_run_is_noise(mariadb, target, myna, record, tmp_path):
    """A table that each run adds to, unless it is brought back before."""
    def workload(server):
        with connect(server, database="cmp", autocommit=True) as c:
            for _ in range(25):
                c.query("INSERT INTO t (name) VALUES ('pin')")
                c.query("SELECT COUNT(*) FROM t")
                c.query("SELECT MAX(price) FROM t")
    mariadb.execute(TABLES)
    recording, _ = record(mariadb, workload)
    target.execute(f"{TABLES}; INSERT INTO t (name, price) VALUES ('gold', 1e6)")
    outcome, _ = outcome_of(myna, recording, target, "--repeat", "2", status=(3,))
    assert counted(outcome["set_apart"]) == {"repeat": 50} and differing(outcome) == {"other_floats": 25}
    assert any(d["latency_ratio"]["noise"] > 0 for d in outcome["digests"])
    back = tmp_path / "back.sql"
    back.write_text(TABLES)
    command = f"{' '.join(map(str, target.client_command()))} < {back}; echo run $MYNA_RUN $MYNA_HOST:$MYNA_PORT"
    done = myna.run("replay", recording, "--target", target.url(), "--repeat", "2", "--before-each", command, status=(0,))
    assert f"run 2 127.0.0.1:{target.port}" in done.stderr and "run 1" not in done.stdout
    done = myna.run("replay", recording, "--target", target.url(), "--before-each", "exit 5", status=(1,))
    assert "status 5" in done.stderr


def test_only_files_are_replayed_twice(target, myna):
    for options in (("--repeat", "2"), ("--target", target.url())):
        done = myna.run("replay", "-", "--target", target.url(), *options, status=(2,))
        assert "record first" in done.stderr


def test_two_earlier_outcomes_are_compared(mariadb, target, myna, reading, tmp_path):
    old, new, page = tmp_path / "old.json", tmp_path / "new.json", tmp_path / "both.html"
    target.execute(TABLES)
    old.write_text(myna.run("replay", reading, "--target", target.url(), "-f", "json").stdout)
    target.execute("ALTER TABLE cmp.t DROP COLUMN price")
    new.write_text(myna.run("replay", reading, "--target", target.url(), "-f", "json", status=(3,)).stdout)
    both = json.loads(myna.run("compare", old, new, "-f", "json", "--report", page, status=(3,)).stdout)
    assert differing(both) == {"error_new": 1} and both["before"] == str(old) and both["after"] == str(new)
    a, b = json.loads(old.read_text()), json.loads(new.read_text())
    for digest in both["digests"]:
        for side, of in (("recorded", a), ("replayed", b)):
            whole = next(d for d in of["digests"] if d["key"] == digest["key"])["replayed"]
            assert digest[side] == whole
    assert both["replayed_timeline"] == b["replayed_timeline"]
    assert "<svg" in page.read_text()
    same = json.loads(myna.run("compare", new, new, "-f", "json").stdout)
    assert not differing(same) and same["latency_ratio"]["ratio"] == 1
    assert "new errors: 1" in myna.run("compare", old, new, status=(3,)).stdout


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kind": "myna-outcome", "version": 99}',
                                  '{"kind": "myna-outcome", "version": 1, "digests": [{"key": "x"}]}',
                                  '{"kind": "myna-outcome", "version": 1, "digests": [1]}'])
def test_what_is_no_outcome_is_told(myna, tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_text(text)
    done = myna.run("compare", path, path, status=(1,))
    assert "bad.json" in done.stderr
    assert "nowhere" in myna.run("compare", tmp_path / "nowhere.json", path, status=(1,)).stderr
