"""A replay on which something goes wrong says what, and what was done before."""
import contextlib
import json
import os
import resource
import select
import signal
import socket
import subprocess
import threading
import time

import pymysql
import pytest

import binary
import harness
from conftest import SHOP
from replaying import counted, outcome_of, replay
from workload import connect


def slowly(server, seconds=4, pause=0.05):
    with connect(server) as c:
        for number in range(int(seconds / pause)):
            c.query(f"SELECT {number}")
            time.sleep(pause)


@pytest.fixture
def slow(mariadb, shop, record):
    return record(mariadb, slowly)[0]


@pytest.fixture
def small(mariadb, shop, record):
    return record(mariadb, slowly, seconds=0.2)[0]


@pytest.fixture
def victim(pool):
    """A target that may be hurt."""
    yield pool.get("mariadb", "victim")
    pool.running.pop("mariadb-victim").remove()


def begin(myna, recording, target, *options):
    return myna.start("replay", recording, "--target", target.url(), "--format", "json", *options)


def finish(process):
    """(exit status, outcome, what was said on standard error)."""
    said, chatter = process.communicate(timeout=60)
    return process.returncode, json.loads(said), chatter


def test_a_wrong_password_is_told_before_anything_is_sent(small, target, myna):
    target.execute("CREATE OR REPLACE USER app@'%' IDENTIFIED BY 'right'")
    target.log_clear()
    done = myna.run("replay", small, "--target", target.url("app"), status=(1,),
                    env={**os.environ, "MYSQL_PWD": "wrong"})
    assert len(done.stderr.strip().splitlines()) == 1 and "Access denied" in done.stderr
    assert not done.stdout and "wrong" not in done.stderr
    assert all(word == "Connect" for said in harness.sessions_over_tcp(target.general_log()).values()
               for word, _ in said)


def test_a_target_that_hangs_in_the_middle_is_given_up(slow, victim, myna):
    process = begin(myna, slow, victim, "--patience", "2s")
    time.sleep(1)
    victim.process.send_signal(signal.SIGSTOP)
    started = time.monotonic()
    status, outcome, chatter = finish(process)
    victim.process.send_signal(signal.SIGCONT)
    assert time.monotonic() - started < 6
    assert status == 1 and "hangs" in outcome["ended"] and "hangs" in chatter
    assert outcome["unanswered"] == 1 and outcome["answered"] == outcome["sent"] - 1 > 5
    assert outcome["differences"] == 0


def test_a_target_that_is_restarted_is_told(slow, victim, myna):
    process = begin(myna, slow, victim, "--on-lost", "stop")
    time.sleep(1)
    victim.kill()
    status, outcome, chatter = finish(process)
    victim.start()
    assert status == 1 and "went away" in outcome["ended"] and "went away" in chatter
    assert outcome["answered"] > 5 and outcome["differences"] == 0


def test_a_connection_that_is_cut_costs_only_its_session(mariadb, victim, shop, myna, record):
    def workload(server):
        threads = [threading.Thread(target=slowly, args=(server, 2)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    recording, _ = record(mariadb, workload)
    process = begin(myna, recording, victim, "--on-lost", "stop")
    time.sleep(1)
    cut = victim.execute("SELECT MIN(id) FROM information_schema.processlist WHERE host LIKE '127%'").strip()
    victim.execute(f"KILL {cut}")
    status, outcome, _ = finish(process)
    assert status == 3 and outcome["ended"] is None and outcome["connections_lost"] == 1
    assert counted(outcome["not_sent"]).keys() == {"connection_lost"}
    assert outcome["sent"] + outcome["not_sent"]["connection_lost"] == outcome["commands"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("after", [1, 3])
def test_an_interrupted_replay_tells_what_was_done(slow, target, myna, number, after):
    process = begin(myna, slow, target)
    time.sleep(after)
    process.send_signal(number)
    status, outcome, chatter = finish(process)
    assert status == 1 and outcome["ended"] == "interrupted" and "interrupted" in chatter
    assert 5 < outcome["answered"] <= outcome["sent"] < 82
    assert outcome["sent"] + outcome["not_sent"]["stopped"] == outcome["commands"]


def many(server, count=300):
    with contextlib.ExitStack() as stack:
        connections = [stack.enter_context(connect(server)) for _ in range(count)]
        for number, c in enumerate(connections):
            c.query(f"SELECT {number}")


def few_files(soft, hard):
    return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_files_are_used_up_to_the_hard_limit_and_what_is_too_many_is_told(mariadb, target, shop, myna, record):
    recording, _ = record(mariadb, many)
    arguments = ["replay", recording, "--target", target.url(), "--format", "json"]
    myna.run(*arguments, status=(0,), preexec_fn=few_files(100, 1000))
    outcome = json.loads(myna.run(*arguments, status=(3,), preexec_fn=few_files(100, 100)).stdout)
    assert outcome["ended"] is None and outcome["connected"] + outcome["not_connected"] == 300
    assert all("Too many open files" in trouble["text"] for trouble in outcome["troubles"])


def test_too_many_connections_for_the_target(mariadb, victim, shop, myna, record):
    recording, _ = record(mariadb, many)
    victim.execute("SET GLOBAL max_connections = 50")
    outcome, _ = outcome_of(myna, recording, victim, status=(3,))
    assert outcome["not_connected"] >= 249 and outcome["connected"] + outcome["not_connected"] == 300
    assert "Too many connections" in outcome["troubles"][0]["text"]
    assert outcome["not_sent"]["not_connected"] + outcome["sent"] == outcome["commands"]


def test_two_thousand_sessions_at_once(mariadb, target, shop, myna, record):
    recording, said = record(mariadb, many, 1900)
    outcome, replayed = outcome_of(myna, recording, target, "--speed", "max", status=(0,))
    assert outcome["connected"] == 1900
    harness.assert_replayed(said, replayed)
    # No server answers before it was asked, nor in less time than two ways through the kernel take.
    latencies = [digest["replayed"]["latency"] for digest in outcome["digests"]]
    assert min(latency["min_ns"] for latency in latencies if latency) > 5000


class Door:
    """Stands before TARGET: lets the first client in and leaves all others waiting outside."""

    def __init__(self, target):
        self.target = target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.outside = []
        self.thread = threading.Thread(target=self.open)
        self.thread.start()

    def open(self):
        with contextlib.suppress(OSError):
            first, _ = self.listener.accept()
            with first, socket.create_connection(("127.0.0.1", self.target.port)) as inside:
                self.pass_on(first, inside)
            while True:
                self.outside.append(self.listener.accept()[0])

    @staticmethod
    def pass_on(client, server):
        while True:
            for ready in select.select([client, server], [], [])[0]:
                data = ready.recv(1 << 16)
                if not data:
                    return
                (server if ready is client else client).sendall(data)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        for s in [self.listener, *self.outside]:
            s.close()


@pytest.mark.parametrize("speed", ["1000", "max"])
def test_not_more_are_at_the_door_than_a_server_has_room_for(mariadb, target, shop, myna, record, speed):
    recording, _ = record(mariadb, many)
    with contextlib.closing(Door(target)) as door:
        process = myna.start("replay", recording, "--target", f"mysql://root@127.0.0.1:{door.listener.getsockname()[1]}/",
                             "--speed", speed, "--format", "json")
        time.sleep(3)
        assert 64 <= len(door.outside) <= 128
        process.send_signal(signal.SIGINT)
        assert finish(process)[1]["connected"] == 0


def test_those_that_wait_at_the_door_are_let_in_in_their_order(mariadb, target, shop, myna, record):
    """What they say later is more than is read ahead: who comes in too early has nothing to say, and stays."""
    def workload(server):
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(connect(server)) for _ in range(1900)]
            for number, c in enumerate(connections):
                c.query(f"SELECT {number}, LENGTH('{'x' * 20000}')")
    recording, _ = record(mariadb, workload)
    outcome, _ = outcome_of(myna, recording, target, "--speed", "max", "--patience", "10s", status=(0,))
    assert outcome["connected"] == 1900


@pytest.mark.parametrize("speed", ["1", "max"])
def test_many_short_sessions(mariadb, target, shop, myna, record, speed):
    def workload(server):
        for number in range(2000):
            with connect(server) as c:
                c.query(f"SELECT {number}")
    recording, said = record(mariadb, workload)
    _, replayed, _ = replay(myna, recording, target, "--speed", speed, status=(0,))
    harness.assert_replayed(said, replayed)


@pytest.mark.parametrize("speed", ["1", "max"])
def test_a_client_that_left_is_not_waited_for(mariadb, target, shop, myna, record, speed):
    def workload(server):
        c = connect(server)
        c._execute_command(3, b"SELECT SLEEP(20)")
        time.sleep(0.5)
        c._force_close()
    recording, _ = record(mariadb, workload, listened=(0, 3))
    started = time.monotonic()
    outcome, _ = outcome_of(myna, recording, target, "--speed", speed)
    assert time.monotonic() - started < 10
    assert outcome["abandoned"] == 1 and outcome["unanswered"] == 0 and outcome["differences"] == 0


def test_a_deadlock_in_the_replay_only_is_no_new_error(mariadb, target, shop, myna, record):
    """Recorded one after the other; without pauses both transactions want each other's row."""
    def workload(server):
        for price, rows in ((5, (1, 2)), (6, (2, 1))):
            c = connect(server, database="shop")
            waiting.append(c)
            c.query("BEGIN")
            c.query(f"UPDATE item SET price = {price} WHERE id = {rows[0]}")
            c.query("SELECT SLEEP(0.3)")
            c.query(f"UPDATE item SET price = {price} WHERE id = {rows[1]}")
            c.query("SELECT 'after'")
            c.commit()
            c.query("SELECT 'later'")
    waiting = []
    recording, _ = record(mariadb, workload)
    outcome, replayed = outcome_of(myna, recording, target, "--speed", "max")
    for c in waiting:
        c.close()
    assert outcome["verdicts"]["deadlock_replayed"] == 1 and outcome["differences"] == 0
    assert counted(outcome["not_sent"]) == {"rolled_back": 2}
    assert sum(("Query", "SELECT 'later'") in said for said in replayed.values()) == 2
    assert sum(("Query", "COMMIT") in said for said in replayed.values()) == 1
    prices = target.execute("SELECT price FROM shop.item WHERE id < 3").split()
    assert prices in (["5.00", "5.00"], ["6.00", "6.00"])


def crossing(server, waiting, statement="UPDATE item SET price = price + {} WHERE id = {}"):
    """Recorded one after the other; without pauses both transactions want each other's row."""
    for more, rows in ((5, (1, 2)), (6, (2, 1))):
        c = connect(server, database="shop")
        waiting.append(c)
        prepared = binary.Statement(c, statement.format("?", "?"))
        c.query("BEGIN")
        prepared.execute(more, rows[0])
        c.query("SELECT SLEEP(0.3)")
        c.query(statement.format(more, rows[1]))
        prepared.close()
        c.query("SELECT 'after'")
        c.commit()
        c.query("SELECT 'later'")


def test_a_transaction_is_repeated_after_a_deadlock(mariadb, target, shop, myna, record):
    opened = []
    recording, _ = record(mariadb, crossing, opened)
    outcome, replayed = outcome_of(myna, recording, target, "--speed", "max", "--retry", "5")
    for c in opened:
        c.close()
    assert outcome["retried"] >= outcome["retry_done"] == 1 and outcome["not_retried"] == 0
    assert outcome["verdicts"]["deadlock_replayed"] == outcome["differences"] == 0
    assert counted(outcome["not_sent"]) == {}
    assert sum(("Query", "COMMIT") in said for said in replayed.values()) == 2
    assert max(sum(entry == ("Query", "BEGIN") for entry in said) for said in replayed.values()) == 2
    assert target.execute("SELECT price FROM shop.item WHERE id < 3").split() == \
        mariadb.execute("SELECT price FROM shop.item WHERE id < 3").split() == ["110.90", "11.10"]


def test_a_transaction_that_is_too_long_is_not_repeated(mariadb, target, shop, myna, record):
    opened = []
    recording, _ = record(mariadb, crossing, opened,
                          "UPDATE item SET price = price + {} WHERE id = {} /* " + "x" * 1200000 + " */")
    outcome, _ = outcome_of(myna, recording, target, "--speed", "max", "--retry", "5")
    for c in opened:
        c.close()
    assert (outcome["not_retried"], outcome["retried"]) == (1, 0)
    assert outcome["verdicts"]["deadlock_replayed"] == 1 and counted(outcome["not_sent"])["rolled_back"] >= 2


def lock_wait(server):
    """On the target somebody else holds row 2 for a while."""
    with connect(server, database="shop", autocommit=True) as c:
        c.query("SET innodb_lock_wait_timeout = 1")
        c.query("BEGIN")
        c.query("UPDATE item SET price = price + 1 WHERE id = 1")
        c.query("UPDATE item SET price = price + 1 WHERE id = 2")
        c.query("UPDATE item SET price = price + 1 WHERE id = 3")
        c.query("COMMIT")


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("retry", ["0", "9"])
def test_a_lock_wait_undoes_a_statement_or_the_transaction(mariadb, pool, myna, record, retry, whole, shop):
    target = pool.get("mariadb", "rollback", ["--innodb-rollback-on-timeout=ON"]) if whole else pool.get("mariadb", "target")
    target.execute(SHOP)
    recording, _ = record(mariadb, lock_wait)
    with connect(target, database="shop") as c:
        c.query("BEGIN")
        c.query("UPDATE item SET note = 'held' WHERE id = 2")
        process = begin(myna, recording, target, "--retry", retry)
        time.sleep(3)
        if retry == "0":
            _, outcome, _ = finish(process)
        c.query("ROLLBACK")
    if retry != "0":
        _, outcome, _ = finish(process)
    prices = target.execute("SELECT price FROM shop.item ORDER BY id").split()
    if retry == "9":
        assert prices == ["100.90", "1.10", "13.00"] and outcome["retry_done"] == 1 and counted(outcome["not_sent"]) == {}
        assert outcome["verdicts"]["lock_wait_replayed"] == 0
    else:
        assert prices == (["99.90", "0.10", "12.00"] if whole else ["100.90", "0.10", "13.00"])
        assert outcome["verdicts"]["lock_wait_replayed"] == 1
        assert counted(outcome["not_sent"]) == ({"rolled_back": 2} if whole else {})


def test_a_deadlock_in_the_recording_only_is_followed(mariadb, target, shop, myna, record):
    """On the target one of the rows is not there, so that nobody waits for it."""
    def update(c, row):
        with contextlib.suppress(pymysql.MySQLError):
            c.query(f"UPDATE item SET price = {row} WHERE id = {row}")

    def workload(server):
        first, second = connect(server, database="shop"), connect(server, database="shop")
        first.query("BEGIN")
        second.query("BEGIN")
        update(first, 1)
        update(second, 2)
        waits = threading.Thread(target=update, args=(first, 2))
        waits.start()
        time.sleep(0.3)
        update(second, 1)
        waits.join()
        for c in (first, second):
            c.query("COMMIT")
            c.close()
    target.execute("DELETE FROM shop.item WHERE id = 2")
    recording, _ = record(mariadb, workload)
    outcome, _ = outcome_of(myna, recording, target)
    verdicts = outcome["verdicts"]
    assert verdicts["deadlock_recorded"] + verdicts["same"] + verdicts["other_affected"] + \
        verdicts["no_answer"] == outcome["commands"]
    assert verdicts["error_gone"] == verdicts["error_new"] == 0


def test_a_full_disk_under_the_report(small, target, myna):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([myna.path, "replay", str(small), "--target", target.url(), "--speed", "max"],
                              stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 1 and "No space left" in done.stderr


def test_a_damaged_recording_is_told_and_the_rest_replayed(mariadb, target, shop, myna, record):
    def workload(server):
        with connect(server) as c:
            for number in range(3000):
                c.query(f"SELECT {number}, '{os.urandom(1000).hex()}'")
    recording, _ = record(mariadb, workload)
    data = bytearray(recording.read_bytes())
    data[len(data) // 2] ^= 0x55
    recording.write_bytes(data)
    done, _, _ = replay(myna, recording, target, "--speed", "max", "--format", "json", status=(3,))
    outcome = json.loads(done.stdout)
    assert 500 < outcome["answered"] < 3000 and outcome["differences"] == 0
    assert "not all was heard" in done.stderr


def test_the_text_begins_with_what_one_decides_from(mariadb, target, shop, myna, record):
    def workload(server):
        with connect(server, database="shop") as one, connect(server, database="shop") as other:
            for number in range(40):
                c = one if number % 4 else other
                c.query(f"SELECT name{' ' * (number % 2)}, {number} AS a{number} FROM item LIMIT 1")
    recording, _ = record(mariadb, workload)
    target.execute("UPDATE shop.item SET name = 'other'")
    said = replay(myna, recording, target, status=(3,))[0].stdout.splitlines()
    assert said[1].startswith("Every statement that was sent was answered: yes; new errors: 0; ")
    assert "other values: 40" in said[1]
    samples = [line for line in said if line.startswith("other values in the rows")]
    assert len(samples) == 10 and "1 row, 2 columns" in samples[0]
    assert any("keeps its own order" in line for line in said)


def test_over_tls_with_the_server_verified(small, pool, myna, certificate):
    target = pool.get("mariadb", "tls", certificate)
    authority = certificate[0].split("=")[1]
    for mode, ca, status in (("VERIFY_CA", authority, 0), ("VERIFY_CA", "/etc/ssl/certs/ca-certificates.crt", 1)):
        done = myna.run("replay", small, "--target", target.url(query=f"ssl-mode={mode}&ssl-ca={ca}"),
                        "--speed", "max", status=(status,))
        assert bool(done.stderr.strip()) == bool(status)


def test_over_the_local_socket(small, target, myna):
    myna.run("replay", small, "--socket", target.socket, "--user", "root", "--speed", "max", status=(0,))


def test_what_was_repeated_is_what_the_second_target_is_compared_with(mariadb, target, pool, shop, myna, record):
    """The first one makes it wait for a lock, in vain, and lets it through when it is asked again."""
    second = pool.get("mariadb", "rollback", ["--innodb-rollback-on-timeout=ON"])
    second.execute(SHOP)
    recording, _ = record(mariadb, lock_wait)
    target.log_clear()
    with connect(target, database="shop") as c:
        c.query("BEGIN")
        c.query("UPDATE item SET note = 'held' WHERE id = 2")
        process = begin(myna, recording, target, "--target", second.url(), "--retry", "30")
        deadline = time.monotonic() + 30
        while (target.datadir / "general.log").read_bytes().count(b"price + 1 WHERE id = 2") < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        c.query("ROLLBACK")
        status, outcome, _ = finish(process)
    assert (status, outcome["differences"], outcome["verdicts"]["lock_wait_recorded"]) == (0, 0, 0)
    assert outcome["verdicts"]["same"] == outcome["answered"]
