"""A bulk execution on a target that does not have it: executed set by set, with the same rows and the same answer."""
import contextlib
import pathlib
import re
import subprocess

import pytest

import bulk
from bulk import BULK, DEFAULT, IGNORE
from replaying import counted, outcome_of

TABLES = """DROP DATABASE IF EXISTS bulky; CREATE DATABASE bulky; USE bulky;
CREATE TABLE parent (id INT PRIMARY KEY) ENGINE=InnoDB; INSERT INTO parent VALUES (1), (2);
CREATE TABLE child (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(30) UNIQUE, weight INT DEFAULT 7,
    parent INT, FOREIGN KEY (parent) REFERENCES parent (id)) ENGINE=InnoDB"""
ROWS = "SELECT id, HEX(name), weight, parent FROM child ORDER BY id"


@pytest.fixture
def replayed(pool, myna, record, tmp_path):
    """replayed(workload, ...): (outcome, the target's log) of a MariaDB's bulk executions on a MySQL; all rows are
    the same in the end. EXTENDED: what the client has of MariaDB's capabilities."""
    def replayed(workload, *options, extended=BULK, rows=ROWS, target="mysql97"):
        source, target = pool.get("mariadb118"), pool.get(target)
        pathlib.Path(tmp_path / "source.myna").unlink(missing_ok=True)
        for server in (source, target):
            server.execute(TABLES)

        def client(server):
            with contextlib.closing(bulk.Connection(server, "bulky", extended)) as c:
                workload(c)
        recording, _ = record(source, client)
        outcome, log = outcome_of(myna, recording, target, *options, status=(0,))
        assert target.execute(rows, "bulky") == source.execute(rows, "bulky")
        assert outcome["sent"] == outcome["commands"] and outcome["unanswered"] == 0
        return outcome, [entry[1] for entries in log.values() for entry in entries[1:]]
    return replayed


def test_rows_of_a_client_library(pool, myna, record, bulk_client):
    """By libmariadb: four rows with one command, then two of them changed."""
    from conftest import SHOP
    source, target = pool.get("mariadb118"), pool.get("mysql97")
    source.execute(SHOP)
    target.execute(SHOP)
    recording, _ = record(source, lambda server: subprocess.run([bulk_client, str(server.port)], check=True))
    outcome, _ = outcome_of(myna, recording, target, status=(0,))
    assert outcome["differences"] == 0 and outcome["sent"] == outcome["commands"]
    assert counted(outcome["set_apart"]) == {"auto_increment": 1}  # MariaDB tells the last one's id
    assert (outcome["bulk_by_set"], outcome["bulk_sets"], outcome["bulk_sets_left_out"]) == (2, 6, 0)
    sql = "SELECT id, HEX(name), weight FROM shop.item ORDER BY id"
    assert target.execute(sql) == source.execute(sql)


def test_indicators(replayed):
    def workload(c):
        insert = c.prepare("INSERT INTO child (name, weight, parent) VALUES (?, ?, ?)")
        assert c.bulk(insert, [("it's", 1, None), ("b\u00e4r", DEFAULT, 1), ("c", IGNORE, 2), ("d", 4, 2)])[0] == 4
        update = c.prepare("UPDATE child SET weight = ?, parent = ? WHERE name = ?")
        assert c.bulk(update, [(IGNORE, 2, "it's"), (DEFAULT, IGNORE, "d"), (50, None, "b\u00e4r")])[0] == 3
        assert c.bulk(update, [(60, 1, "c"), (61, 1, "nobody")], types=False)[0] == 1
        assert c.bulk(c.prepare("DELETE FROM child WHERE name = ?"), [("d",)])[0] == 1
    outcome, said = replayed(workload)
    assert outcome["differences"] == 0
    assert (outcome["bulk_by_set"], outcome["bulk_sets"], outcome["bulk_sets_left_out"]) == (4, 10, 0)
    assert "INSERT INTO child (name, weight, parent) VALUES ('b\u00e4r', DEFAULT, 1)" in said
    assert "UPDATE child SET weight = weight, parent = 2 WHERE name = 'it''s'" in said


def test_an_error_undoes_an_insert_but_no_update(replayed):
    def workload(c):
        insert = c.prepare("INSERT INTO child (name, weight, parent) VALUES (?, ?, ?)")
        update = c.prepare("UPDATE child SET weight = ?, parent = ? WHERE name = ?")

        def both():
            for statement, rows, error in ((insert, [("x", 1, 1), ("a", 1, 1), ("y", 1, 1)], 1062),
                                           (update, [(70, 1, "a"), (71, 9, "b"), (72, 2, "b")], 1452)):
                with pytest.raises(bulk.Failed) as failed:
                    c.bulk(statement, rows)
                assert failed.value.code == error
        c.bulk(insert, [("a", 1, 1), ("b", 2, 2)])
        both()
        c.query("BEGIN")
        c.bulk(insert, [("m", 1, 1), ("n", 2, 2)])
        both()
        c.query("COMMIT")
        c.query("SET autocommit = 0")
        c.bulk(insert, [("p", 1, 1), ("q", 2, 2)])
        both()
        c.query("ROLLBACK")
    # MariaDB draws more ids than it needs for a bulk.
    outcome, said = replayed(workload, rows="SELECT name, weight, parent FROM child ORDER BY name")
    assert outcome["differences"] == 0 and outcome["bulk_by_set"] == 9
    assert not outcome["troubles"]
    assert said.count("SET autocommit=0") == said.count("SET autocommit=1") == 2
    assert said.count("ROLLBACK TO SAVEPOINT myna_bulk") == 2


def test_results_by_row(replayed):
    """Where the client asked for them (MariaDB 11.5 and later): an id and a number of rows for each set."""
    def workload(c):
        insert = c.prepare("INSERT INTO child (name, weight) VALUES (?, ?)")
        assert len(c.bulk(insert, [("a", 1), ("b", 2), ("c", DEFAULT)], unit_results=True)) == 3
        update = c.prepare("UPDATE child SET weight = ? WHERE name = ?")
        assert len(c.bulk(update, [(5, "a"), (6, "nobody")], unit_results=True)) == 2
        with pytest.raises(bulk.Failed):
            c.bulk(insert, [("d", 1), ("a", 1)], unit_results=True)
    everything = BULK | bulk.UNIT_RESULTS
    for target in ("mysql97", "mariadb"):  # which has bulk execution, but no results by row
        outcome, _ = replayed(workload, extended=everything, target=target)
        assert outcome["differences"] == 0 and outcome["bulk_by_set"] == 3


def test_what_is_said_of_it(pool, myna, record):
    """What no statement can say is left out, and told; and differences are found."""
    source, target = pool.get("mariadb118"), pool.get("mysql97")
    for server in (source, target):
        server.execute(TABLES)
    target.execute("INSERT INTO bulky.child (name) VALUES ('there before')")

    def client(server):
        with contextlib.closing(bulk.Connection(server, "bulky", BULK)) as c:
            c.bulk(c.prepare("INSERT INTO child (name) VALUES (?)"), [("a",), ("there before",)])
            with pytest.raises(bulk.Failed):
                c.bulk(c.prepare("UPDATE child SET weight = ? + 1 WHERE name = ?"), [(IGNORE, "a"), (IGNORE, "b")])
    recording, _ = record(source, client)
    outcome, _ = outcome_of(myna, recording, target, status=(3,))
    assert counted(outcome["verdicts"])["error_new"] == 1
    assert outcome["bulk_sets_left_out"] == 2
    assert target.execute("SELECT name FROM bulky.child") == "there before\n"
    said = myna.run("replay", recording, "--target", target.url(), status=(3,)).stdout
    assert re.search(r"2  sets of parameters left out", said) and "set by set" in said


def test_more_sets_than_parameters_are_listed(replayed):
    """Over 65,535 values in one command; the next one goes by the types that this one has sent."""
    def workload(c):
        insert = c.prepare("INSERT INTO child (weight) VALUES (" + " + ".join("?" * 250) + ")")
        assert c.bulk(insert, [[i] * 250 for i in range(270)])[0] == 270
        assert c.bulk(insert, [[i] * 250 for i in range(2)], types=False)[0] == 2
    outcome, _ = replayed(workload, rows="SELECT weight FROM child ORDER BY weight")
    assert outcome["differences"] == 0 and outcome["bulk_sets"] == 272
