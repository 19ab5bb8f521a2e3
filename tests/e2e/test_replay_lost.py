"""A connection that is lost is made anew as it was, and the session goes on."""
import contextlib
import json
import signal
import socket
import threading
import time

import pytest

import binary
from replaying import counted, outcome_of
from workload import connect


@pytest.fixture
def victim(pool):
    """A target that may be hurt."""
    yield pool.get("mariadb", "victim")
    pool.running.pop("mariadb-victim").remove()


def begin(myna, recording, target, *options):
    return myna.start("replay", recording, "--target", target.url(), "--format", "json", *options)


def finish(process, seconds=60):
    """(exit status, outcome, what was said on standard error)."""
    said, chatter = process.communicate(timeout=seconds)
    assert said, (process.returncode, chatter)
    return process.returncode, json.loads(said), chatter


def wait_until(happened, seconds=20):
    deadline = time.monotonic() + seconds
    while not (result := happened()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return result


def kill_all(target):
    """As a DBA does, once somebody is there to be killed."""
    others = "SELECT id FROM information_schema.processlist WHERE host LIKE '127%'"
    for number in wait_until(lambda: target.execute(others).split()):
        with contextlib.suppress(RuntimeError):
            target.execute(f"KILL {number}")


def wait_until_said(target, text):
    """Looks at the log while sessions are under way."""
    wait_until(lambda: text.encode() in (target.datadir / "general.log").read_bytes())


def full_of_state(server):
    """What is said after the pause shows that all that was set up before it is there."""
    with connect(server) as c:
        c.query("SET NAMES latin1")
        c.query("SET @seen = 41, sql_mode = 'ANSI_QUOTES'")
        c.select_db("shop")
        c.query("PREPARE spoken FROM 'SELECT ? + @seen'")
        prepared = binary.Statement(c, "SELECT id, ? FROM item ORDER BY id LIMIT 2")
        prepared.execute("before")
        c.query("SELECT 'pause'")
        time.sleep(3)
        c.query("SELECT DATABASE(), @@character_set_client, @@sql_mode, @seen")
        c.query("SET @one = 1")
        c.query("EXECUTE spoken USING @one")
        prepared.execute("after")
        prepared.close()


@pytest.mark.parametrize("speed", ["1", "max"])
def test_an_idle_connection_that_is_killed_comes_back_as_it_was(mariadb, victim, shop, myna, record, speed):
    victim.execute("CREATE DATABASE shop; CREATE TABLE shop.item (id INT PRIMARY KEY); "
                   "INSERT INTO shop.item VALUES (1), (2), (3)")
    recording, _ = record(mariadb, full_of_state)
    victim.log_clear()
    process = begin(myna, recording, victim, "--speed", speed, *(["--limit-rate", "4"] if speed == "max" else []))
    wait_until_said(victim, "'pause'")
    kill_all(victim)
    status, outcome, _ = finish(process)
    assert (outcome["connections_lost"], outcome["reconnected"], outcome["unanswered"]) == (1, 1, 0)
    assert counted(outcome["not_sent"]) == {} and outcome["sent"] == outcome["commands"]
    assert outcome["verdicts"]["after_loss"] == outcome["differences"] == outcome["state_failed"] == 0
    assert status == 0 and outcome["ended"] is None
    assert any("onnection" in trouble["text"] for trouble in outcome["troubles"])


def in_a_transaction(server):
    with connect(server, database="shop", autocommit=True) as c:
        c.query("CREATE TEMPORARY TABLE mine (a INT)")
        c.query("SELECT GET_LOCK('mine', 0)")
        c.query("BEGIN")
        c.query("UPDATE item SET price = 1 WHERE id = 1")
        time.sleep(2)
        c.query("UPDATE item SET price = 2 WHERE id = 2")
        c.query("COMMIT")
        c.query("UPDATE item SET price = 3 WHERE id = 3")


def test_what_was_open_on_a_lost_connection_is_told_and_the_transaction_left_out(mariadb, target, shop, myna, record):
    recording, _ = record(mariadb, in_a_transaction)
    target.execute("CREATE OR REPLACE TABLE shop.log (a INT)")
    process = begin(myna, recording, target)
    time.sleep(1)
    kill_all(target)
    status, outcome, _ = finish(process)
    assert counted(outcome["not_sent"]) == {"transaction_lost": 2}
    assert [outcome[name] for name in ("lost_transactions", "lost_temporary", "lost_locks", "lost_cursors")] == [1, 1, 1, 0]
    assert target.execute("SELECT price FROM shop.item ORDER BY id").split() == ["99.90", "0.10", "3.00"]
    assert status == 3 and outcome["reconnected"] == 1


def under_way(server):
    with connect(server, database="shop", autocommit=True) as c:
        c.query("SELECT 'first'")
        c.query("INSERT INTO item (name) SELECT SLEEP(2)")
        c.query("SELECT 'last'")


def check_a_command_under_way(source, target, myna, record):
    """It is told when its connection is killed, and not sent again."""
    recording, _ = record(source, under_way)
    target.log_clear()
    process = begin(myna, recording, target)
    wait_until_said(target, "SLEEP(2)")
    kill_all(target)
    status, outcome, _ = finish(process)
    log = [text for said in target.general_log().values() for _, text in said]
    assert sum("SLEEP(2)" in text for text in log) == 1 and "SELECT 'last'" in log
    assert outcome["reconnected"] == outcome["connections_lost"] == 1
    # A server that has the time says so in an answer; else there is none.
    assert outcome["unanswered"] + outcome["verdicts"]["killed_replayed"] == 1
    assert status == (3 if outcome["unanswered"] else 0)


def test_a_command_under_way_is_told_and_not_repeated(mariadb, target, shop, myna, record):
    check_a_command_under_way(mariadb, target, myna, record)


def slowly(server, seconds=4, pause=0.05):
    with connect(server, autocommit=True) as c:
        c.query("SET @before = 'kept'")
        for number in range(int(seconds / pause)):
            c.query(f"SELECT {number}, @before")
            time.sleep(pause)


def test_a_target_that_is_restarted_is_waited_for(mariadb, victim, shop, myna, record):
    recording, _ = record(mariadb, slowly)
    process = begin(myna, recording, victim)
    time.sleep(1)
    victim.kill()
    time.sleep(1)
    victim.start()
    status, outcome, _ = finish(process)
    assert outcome["ended"] is None and outcome["reconnected"] == 1 and outcome["connect_failed"] >= 1
    assert outcome["unanswered"] <= 1 and outcome["answered"] >= outcome["commands"] - 2
    assert outcome["differences"] == outcome["verdicts"]["after_loss"] == 0
    assert status == (3 if outcome["unanswered"] else 0)


def test_it_is_waited_for_no_longer_than_asked(mariadb, victim, shop, myna, record):
    recording, _ = record(mariadb, slowly)
    process = begin(myna, recording, victim, "--reconnect-for", "1s")
    time.sleep(1)
    victim.kill()
    started = time.monotonic()
    status, outcome, chatter = finish(process)
    victim.start()
    assert time.monotonic() - started < 5
    assert status == 1 and "went away" in outcome["ended"] and "went away" in chatter
    assert outcome["connect_failed"] >= 2 and outcome["differences"] == 0


def test_stop_ends_the_session(mariadb, target, shop, myna, record):
    recording, _ = record(mariadb, slowly)
    process = begin(myna, recording, target, "--on-lost", "stop")
    time.sleep(1)
    kill_all(target)
    status, outcome, _ = finish(process)
    assert status == 3 and outcome["reconnected"] == 0 and outcome["connections_lost"] == 1
    assert counted(outcome["not_sent"]).keys() == {"connection_lost"}
    assert outcome["sent"] + outcome["not_sent"]["connection_lost"] == outcome["commands"]


def test_a_connection_that_times_out_comes_back(mariadb, target, shop, myna, record):
    def workload(server):
        with connect(server) as c:
            c.query("SELECT 'before'")
            time.sleep(2.5)
            c.query("SELECT 'after'")
    recording, said = record(mariadb, workload)
    target.execute("SET GLOBAL wait_timeout = 1")
    try:
        outcome, _ = outcome_of(myna, recording, target, status=(0,))
    finally:
        target.execute("SET GLOBAL wait_timeout = 28800")
    assert outcome["reconnected"] == outcome["connections_lost"] == 1
    assert outcome["answered"] + 1 == outcome["commands"]


class Cutter:
    """Stands before TARGET and cuts what comes from it once, in the middle of a result."""

    def __init__(self, target, marker, after):
        self.target, self.marker, self.after, self.cuts = target, marker, after, 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.target.port))
                threading.Thread(target=self.pass_on, args=(client, server, False), daemon=True).start()
                threading.Thread(target=self.pass_on, args=(server, client, True), daemon=True).start()

    def pass_on(self, one, other, from_server):
        with contextlib.suppress(OSError):
            while data := one.recv(1 << 16):
                if from_server and self.cuts == 0 and self.marker in data:
                    self.cuts += 1
                    other.sendall(data[:self.after])
                    break
                other.sendall(data)
        for s in (one, other):
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)

    def url(self):
        return f"mysql://root@127.0.0.1:{self.port}/"


def test_a_result_that_is_cut_off(mariadb, target, shop, myna, record):
    def workload(server):
        with connect(server) as c:
            c.query("SELECT 'first'")
            c.query(f"SELECT '{'x' * 5000}', 'marker'")
            c.query("SELECT 'last'")
    recording, _ = record(mariadb, workload)
    cutter = Cutter(target, b"x" * 1000, 1500)
    target.log_clear()
    done = myna.run("replay", recording, "--target", cutter.url(), "--format", "json", status=(3,))
    outcome = json.loads(done.stdout)
    assert (outcome["reconnected"], outcome["unanswered"]) == (1, 1)
    log = [text for said in target.general_log().values() for _, text in said]
    assert sum("marker" in text for text in log) == 1 and "SELECT 'last'" in log
    text = myna.run("replay", recording, "--target", Cutter(target, b"x" * 1000, 1500).url(), status=(3,)).stdout
    assert "connections made anew after they were lost" in text


def counting(server):
    """Two sessions that leave a trace of every command, in transactions and alone; and one that ends early."""
    def one(name):
        with connect(server, database="shop", autocommit=True) as c:
            c.query(f"SET @who = '{name}'")
            prepared = binary.Statement(c, "INSERT INTO trace (who, n) VALUES (@who, ?)")
            for number in range(60):
                prepared.execute(number)
                time.sleep(0.1)
            if name == "a":
                time.sleep(0.5)
            prepared.execute(60)
    with connect(server, database="shop", autocommit=True) as c:
        c.query("INSERT INTO trace (who, n) VALUES ('short', 0)")
    threads = [threading.Thread(target=one, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


TRACE = "CREATE OR REPLACE TABLE shop.trace (id INT PRIMARY KEY AUTO_INCREMENT, who VARCHAR(10), n INT)"


def traces(server):
    return server.execute("SELECT who, n, COUNT(*) FROM shop.trace GROUP BY who, n ORDER BY who, n").splitlines()


@pytest.fixture
def counted_recording(mariadb, target, shop, record):
    for server in (mariadb, target):
        server.execute(TRACE)
    return record(mariadb, counting)[0]


@pytest.mark.parametrize("times", [1, 3])
def test_an_interrupted_replay_is_continued(counted_recording, mariadb, target, myna, tmp_path, times):
    file = tmp_path / "far"
    options = ["--checkpoint", str(file)]
    sent = 0
    for number in range(times):
        process = begin(myna, counted_recording, target, *options, *(["--resume"] if number else []))
        time.sleep(1.2)
        process.send_signal(signal.SIGINT)
        status, outcome, _ = finish(process)
        assert status == 1 and outcome["ended"] == "interrupted" and outcome["done_before"] == sent
        sent += outcome["sent"]
    assert 5 < sent < 120 and file.stat().st_mode & 0o777 == 0o600
    status, outcome, _ = finish(begin(myna, counted_recording, target, *options, "--resume"))
    assert status == 0 and outcome["ended"] is None
    assert outcome["done_before"] == sent and outcome["done_before"] + outcome["sent"] == outcome["commands"] + sent
    assert outcome["resumed"] == 2 and outcome["under_way_before"] == 0 and outcome["prepared_late"] == 2
    assert traces(target) == traces(mariadb)
    assert any("continued" in note["text"] for note in outcome["notes"])
    again = myna.run("replay", counted_recording, "--target", target.url(), *options, status=(2,))
    assert "is there already" in again.stderr and not again.stdout


def test_after_a_kill_only_what_ran_since_the_checkpoint_is_repeated(counted_recording, mariadb, target, myna, tmp_path):
    file = tmp_path / "far"
    process = begin(myna, counted_recording, target, "--checkpoint", str(file))
    wait_until(file.exists)
    time.sleep(0.5)
    process.kill()
    process.wait()
    done = len(traces(target))
    status, outcome, _ = finish(begin(myna, counted_recording, target, "--checkpoint", str(file), "--resume"))
    assert status in (0, 3) and outcome["ended"] is None
    twice = [line for line in traces(target) if line.endswith("\t2")]
    assert [line[:-1] + "1" if line in twice else line for line in traces(target)] == traces(mariadb)
    assert done > len(twice) and 0 < len(twice) <= 20
    assert any("was sent again" in note["text"] for note in outcome["notes"])


def test_a_checkpoint_of_something_else_is_refused(counted_recording, mariadb, target, myna, record, tmp_path):
    file = tmp_path / "far"
    process = begin(myna, counted_recording, target, "--checkpoint", str(file))
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    finish(process)
    before, rows = file.read_bytes(), traces(target)
    kept = tmp_path / "kept.myna"
    counted_recording.rename(kept)
    other, _ = record(mariadb, under_way)
    arguments = ["replay", "--checkpoint", str(file), "--resume", "--target", target.url()]
    for more, why in (([other], "another recording"), ([kept, "--match", "INSERT"], "other options"),
                      ([kept, "--target", target.url("nobody")], "'myna compare'"),
                      ([kept, "--copies", "3"], "as many replays at once"), ([kept, "--repeat", "2"], "one replay after the other"),
                      ([kept, "--dry-run"], "nothing that could be continued"), (["-i", "lo"], "record it")):
        done = myna.run(*arguments, *more, status=(2,))
        assert why in done.stderr
    file.write_text("{}")
    assert "no checkpoint" in myna.run(*arguments, kept, status=(1,)).stderr
    assert traces(target) == rows
    assert b"myna-checkpoint" in before


def changed_user(server):
    """Logs in as one, becomes another."""
    import MySQLdb
    c = MySQLdb.connect(host="127.0.0.1", port=server.port, user="root", charset="utf8mb4")
    cursor = c.cursor()
    cursor.execute("SELECT 'before'")
    c.change_user("second", "", "shop")
    for sql in ("SET NAMES latin1", "SET @seen = 41, sql_mode = 'ANSI_QUOTES'", "PREPARE spoken FROM 'SELECT ? + @seen'",
                "SELECT 'pause'", "SELECT CURRENT_USER(), DATABASE(), @@character_set_client, @@sql_mode, @seen",
                "SET @one = 1", "EXECUTE spoken USING @one"):
        cursor.execute(sql)
        if "pause" in sql:
            time.sleep(3)
    c.close()


@pytest.fixture(params=["mysql97", "mysql56"])
def mysql_pair(request, pool):
    """A MySQL, and a target of the same version, with the same users and tables."""
    pair = pool.get(request.param), pool.get(request.param, "target")
    for server in pair:
        has_second = server.execute("SELECT COUNT(*) FROM mysql.user WHERE user = 'second'").strip() != "0"
        server.execute(("DROP USER second@'%'; " if has_second else "") + "CREATE USER second@'%'; "
                       "GRANT ALL ON *.* TO second@'%'; DROP DATABASE IF EXISTS shop; CREATE DATABASE shop; "
                       "CREATE TABLE shop.item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(20)); "
                       "INSERT INTO shop.item (id) VALUES (1), (2), (3)")
        server.log_clear()
    yield pair
    for server in pair:
        server.execute("DROP USER second@'%'")


def test_mysql_gets_a_changed_user_back(mysql_pair, myna, record, tmp_path):
    source, target = mysql_pair
    accounts = tmp_path / "users"
    accounts.write_text("root = root, none\nsecond = second, none\n")
    accounts.chmod(0o600)
    recording, _ = record(source, changed_user)
    target.log_clear()
    process = begin(myna, recording, target, "--users", str(accounts))
    wait_until_said(target, "'pause'")
    kill_all(target)
    status, outcome, _ = finish(process)
    assert (outcome["connections_lost"], outcome["reconnected"], outcome["unanswered"]) == (1, 1, 0)
    assert outcome["differences"] == outcome["verdicts"]["after_loss"] == outcome["state_failed"] == 0
    assert status == 0 and counted(outcome["not_sent"]) == {} and outcome["sent"] == outcome["commands"]
    came = [text for said in target.general_log().values() for word, text in said if word == "Connect"]
    assert sum(text.startswith("second@") for text in came) == 1, "it comes back as who it was at last"


def test_mysql_is_not_told_a_command_twice(mysql_pair, myna, record):
    check_a_command_under_way(*mysql_pair, myna, record)
