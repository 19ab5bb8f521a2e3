"""What is replayed can be chosen, by sessions and by commands, and repeated on several connections."""
import json
import time

import pymysql
import pytest

from replaying import counted, outcome_of
from workload import connect


def said_in(log):
    """The statements of each connection that says something, but what PyMySQL says of itself."""
    said = ([text for word, text in entries if word == "Query" and "AUTOCOMMIT" not in text] for entries in log.values())
    return sorted(texts for texts in said if texts)


def two_users(server):
    for user, database in (("root", "shop"), ("other", "mysql"), ("root", "mysql")):
        with connect(server, user=user, database=database) as c:
            c.query(f"SELECT '{user} in {database}'")
            c.ping()


@pytest.fixture
def by_two_users(mariadb, target, shop, record):
    for server in (mariadb, target):
        server.execute("CREATE OR REPLACE USER other@'%'; GRANT ALL ON *.* TO other@'%'")
    return record(mariadb, two_users)[0]


@pytest.mark.parametrize(("options", "expected"), [
    (("--recorded-user", "root"), [["SELECT 'root in mysql'"], ["SELECT 'root in shop'"]]),
    (("--recorded-user", "!root"), [["SELECT 'other in mysql'"]]),
    (("--db", "mysql"), [["SELECT 'other in mysql'"], ["SELECT 'root in mysql'"]]),
    (("--command", "PING"), []), (("--match", "in shop"), [["SELECT 'root in shop'"]]),
    (("--client", "127.*", "--until", "+1h", "--db", "shop"), [["SELECT 'root in shop'"]])])
def test_filters_choose_commands(by_two_users, target, myna, options, expected):
    outcome, log = outcome_of(myna, by_two_users, target, *options, status=(0,))
    assert said_in(log) == expected
    assert outcome["filtered"] == 12 - outcome["commands"] and outcome["sent"] == outcome["commands"] > 0


def test_for_how_many_users_the_one_account_stands_is_told_once(by_two_users, target, myna):
    def notes(*options):
        return [n["text"] for n in outcome_of(myna, by_two_users, target, *options, status=(0,))[0]["notes"] if "stands for" in n["text"]]
    assert notes() == ["account, that of --user, stands for 2 recorded users: --users names more"]
    assert notes("--recorded-user", "root") == []


def many(server):
    for number in range(40):
        with connect(server) as c:
            c.query(f"SELECT {number}")
            c.query(f"SELECT -{number}")


def test_a_share_has_whole_sessions_and_always_the_same(mariadb, target, shop, myna, record):
    recording, source = record(mariadb, many)
    some, log = outcome_of(myna, recording, target, "--speed", "max", "--share", "25%", status=(0,))
    again = said_in(outcome_of(myna, recording, target, "--speed", "max", "--share", "25%", status=(0,))[1])
    assert 2 <= some["sessions"] <= 20 and said_in(log) == again
    everything = said_in(source)
    assert all(said in everything for said in again) and len(again) == some["sessions"]
    assert some["filtered"] + some["commands"] == 4 * 40
    larger = said_in(outcome_of(myna, recording, target, "--speed", "max", "--share", "75%", status=(0,))[1])
    assert len(larger) > len(again) and all(said in larger for said in again)


@pytest.mark.parametrize("option", ["--share=10", "--share=0%", "--share=101%", "--share=x%", "--copies=0", "--copies=1001"])
def test_wrong_values_are_refused(by_two_users, target, myna, option):
    done = myna.run("replay", by_two_users, "--target", target.url(), option, status=(2,))
    assert option.split("=")[0] in done.stderr


@pytest.mark.parametrize("speed", ["1", "max"])
def test_copies_are_connections_of_their_own(mariadb, target, shop, myna, record, speed):
    def workload(server):
        with connect(server, database="shop") as c:
            c.query("SET @a = 5")
            c.query("PREPARE p FROM 'SELECT @a'")
            c.query("EXECUTE p")
            c.query("SELECT SLEEP(0.5)")
    recording, source = record(mariadb, workload)
    began = time.monotonic()
    outcome, log = outcome_of(myna, recording, target, "--copies", "5", "--spread", "2s", "--speed", speed, status=(0,))
    took = time.monotonic() - began
    assert said_in(log) == 5 * said_in(source)
    assert outcome["copies"] == 5 and outcome["sessions"] == outcome["connected"] == 5
    assert outcome["sent"] == outcome["commands"] and outcome["differences"] == 0
    if speed == "1":
        assert 2 < took < 4, "the copies were not spread"


def killed(server):
    with connect(server) as victim, connect(server) as killer:
        victim.query("SELECT 'victim'")
        killer.kill(victim.thread_id())
        time.sleep(0.2)
        with pytest.raises(pymysql.MySQLError):
            victim.query("SELECT 'never'")
        with pytest.raises(pymysql.MySQLError):
            killer.query("KILL CONNECTION_ID()")


def test_each_copy_kills_its_own(mariadb, target, shop, myna, record):
    recording, _ = record(mariadb, killed, listened=(0, 3))
    outcome, log = outcome_of(myna, recording, target, "--copies", "3", "--spread", "0s")
    assert outcome["not_sent"]["kill_unknown"] == 0
    assert outcome["differences"] == 0, counted(outcome["verdicts"])
    assert sum(text == "KILL CONNECTION_ID()" for said in said_in(log) for text in said) == 3


def test_a_kill_waits_for_its_connection(mariadb, target, shop, myna, record):
    """A victim that is to be killed right after its login may not be there yet."""
    def workload(server):
        with connect(server) as killer:
            for number in range(20):
                victim = connect(server)
                killer.query(f"KILL {victim.thread_id()} /* {number} */")
                time.sleep(0.05)
                with pytest.raises(pymysql.MySQLError):
                    victim.query("SELECT 1")
    recording, _ = record(mariadb, workload, listened=(0, 3))
    outcome, _ = outcome_of(myna, recording, target, "--speed", "5")
    assert outcome["not_sent"]["kill_unknown"] == 0


def test_a_dry_run_tells_what_would_be_sent(mariadb, shop, myna, record):
    def workload(server):
        with connect(server, database="shop", autocommit=None) as c:
            for number in range(3):
                c.query(f"SELECT {number}")
            c.query("INSERT INTO item (name) VALUES ('x')")
            c.query("PREPARE p FROM 'SELECT 1'")
            c.query("EXECUTE p")
    recording, _ = record(mariadb, workload)
    mariadb.log_clear()
    everything = json.loads(myna.run("replay", recording, "--dry-run", "-f", "json").stdout)
    assert everything["dry_run"] and everything["sent"] == everything["commands"] == 7 and everything["answered"] == 0
    some = json.loads(myna.run("replay", recording, "--dry-run", "--read-only", "-f", "json").stdout)
    assert some["sent"] == 6 and counted(some["not_sent"]) == {"read_only_writes": 1} and some["left_out_read_only"] == 1
    sent = {row["digest"]: row["would_send"] for row in some["digests"]}
    assert sent["SELECT ?"] == 3 and sum(sent.values()) == 6
    text = myna.run("replay", recording, "--dry-run", "--read-only", "--recorded-user", "root").stdout
    assert "would send 6 of 7 commands" in text and "1  left out by --read-only, in all" in text and "SELECT ?" in text
    assert not mariadb.general_log(), "it has connected"
