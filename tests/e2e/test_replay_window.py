"""A window of a recording, or of a capture, is replayed with the state that its sessions had when it began."""
import datetime
import time

import pymysql
import pytest

import binary
import harness
from conftest import SHOP
from replaying import counted, outcome_of, replay
from workload import connect

PAUSE = 1.2  # seconds before the window, and behind it


def now():
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Sessions:
    """Those of four clients; times of the window are noted as they go."""

    def __init__(self):
        self.clients = []

    def connect(self, **options):
        self.clients.append(connect(self.server, **options))
        return self.clients[-1]

    def before(self):
        early = self.early = self.connect(charset="utf8mb4", autocommit=True)
        early.select_db("shop")
        early.query("SET NAMES latin1")
        early.encoding = "latin1"
        early.query("SET sql_mode = 'ANSI_QUOTES'")
        early.query("SET @x = 5, time_zone = '+03:00'")
        early.query("PREPARE named FROM 'SELECT ?, @x'")
        self.insert = binary.Statement(early, "INSERT INTO item (name, weight) VALUES (?, ?)")
        self.insert.execute("before", 1.5)
        self.other = binary.Statement(early, "SELECT id FROM item WHERE name = ?")
        with connect(self.server) as gone:
            gone.query("SELECT 'ended before'")
        self.idle = self.connect()
        self.idle.query("SELECT 'says nothing any more'")
        self.open = self.connect(database="shop")
        self.open.query("INSERT INTO item (id, name) VALUES (1000, 'first half')")
        self.changed = self.connect(user="root", database="mysql", autocommit=True)
        self.changed._execute_command(0x11, b"second\0\0shop\0\x2d\0mysql_native_password\0\0")  # COM_CHANGE_USER
        assert self.changed._read_packet().is_auth_switch_request()
        self.changed.write_packet(b"")
        self.changed._read_ok_packet()

    def within(self):
        early = self.early
        early.query("INSERT INTO item (name, note) VALUES ('gr\u00fcn', \"name\" )")
        early.query("SELECT @x, @@time_zone, @@sql_mode")
        early.query("EXECUTE named USING @x")
        self.insert.execute("within", 2.5)
        self.other.execute("within")
        self.open.query("INSERT INTO item (id, name) VALUES (900, 'second half')")
        self.open.commit()
        self.changed.query("SELECT CURRENT_USER(), DATABASE()")
        with connect(self.server) as late:
            late.query("SELECT 'began in it'")

    def after(self):
        self.early.query("SELECT 'after'")
        with connect(self.server) as c:
            c.query("SELECT 'began after'")

    def run(self, server):
        try:
            self.say(server)
        finally:  # a transaction left open would hold up who comes next
            for c in self.clients:
                if c.open:
                    c.close()

    def say(self, server):
        self.server = server
        self.before()
        time.sleep(PAUSE)
        self.since = now()
        time.sleep(0.05)
        self.within()
        time.sleep(0.05)
        self.until = now()
        time.sleep(PAUSE)
        self.after()


@pytest.fixture
def second(mariadb, target):
    for server in (mariadb, target):
        server.execute(SHOP)
        server.execute("CREATE OR REPLACE USER second@'%' IDENTIFIED VIA mysql_native_password; "
                       "GRANT ALL ON *.* TO second@'%'")
    yield
    for server in (mariadb, target):
        server.execute("DROP USER second@'%'")


@pytest.mark.parametrize("kind", ["recording", "pcap"])
def test_sessions_have_their_state(mariadb, target, second, myna, tmp_path, kind):
    sessions = Sessions()
    path = tmp_path / ("source.myna" if kind == "recording" else "source.pcap")
    users = tmp_path / "users"
    users.write_text("root = root, none\nsecond = second, none\n")
    users.chmod(0o600)
    capture = (harness.myna_record(myna, path, mariadb.port) if kind == "recording"
               else harness.tcpdump(path, mariadb.port))
    with capture:
        sessions.run(mariadb)
    options = ["--since", sessions.since, "--until", sessions.until, "--users", users, "--port", mariadb.port]
    done, log, seconds = replay(myna, path, target, *options, status=(0, 3))
    assert seconds < 2 * PAUSE  # nothing of the time before it, nor behind it
    said = [[(command, text) for command, text in entries if command != "Quit"] for entries in log.values()]
    print(done.stdout, said)
    assert len(said) == 4 + 1  # and the look whether the target is there
    assert not any("before" in text or "after" in text or "any more" in text for one in said for _, text in one)
    assert [("Query", "SELECT 'began in it'")] in [one[-1:] for one in said]
    early = next(one for one in said if ("Query", "SET NAMES latin1") in one)
    assert early[0] == ("Connect", "root@127.0.0.1 on shop using TCP/IP")
    state = [text for _, text in early[1:early.index(("Query", "SELECT @x, @@time_zone, @@sql_mode")) - 1]]
    assert {"SET NAMES latin1", "SET sql_mode = 'ANSI_QUOTES'", "PREPARE named FROM 'SELECT ?, @x'"} <= set(state)
    assert ("Execute", "INSERT INTO item (name, weight) VALUES ('within', 2.5)") in early
    changed = next(one for one in said if ("Query", "SELECT CURRENT_USER(), DATABASE()") in one)
    assert changed[0][1].startswith("second@127.0.0.1 on shop")
    assert target.execute("SELECT id, name FROM shop.item WHERE id = 900") == "900\tsecond half\n"
    assert target.execute("SELECT HEX(name) FROM shop.item WHERE name LIKE 'gr%'") == "6772C3BC6E\n"
    assert "1  of these were in a transaction" in done.stdout
    assert "3  were open before the recording, or the window of it, began" in done.stdout


def test_a_dry_run_is_of_the_window(mariadb, target, second, myna, tmp_path):
    sessions = Sessions()
    with harness.myna_record(myna, tmp_path / "source.myna", mariadb.port):
        sessions.run(mariadb)
    outcome = myna.run("replay", tmp_path / "source.myna", "--dry-run", "--since", sessions.since,
                       "--until", sessions.until).stdout
    print(outcome)
    assert "began in it" in outcome or "SELECT ?" in outcome


def test_a_transaction_that_was_open_is_begun(mariadb, target, shop, myna, tmp_path):
    """What is heard of it is one transaction on the target, too: its writes are seen, or rolled back, as a whole."""
    path = tmp_path / "source.myna"
    with harness.myna_record(myna, path, mariadb.port):
        with connect(mariadb, database="shop", autocommit=True) as undone, \
                connect(mariadb, database="shop", autocommit=True) as done:
            for c, first in ((undone, 1000), (done, 2000)):
                c.query("BEGIN")
                c.query(f"INSERT INTO item (id, name) VALUES ({first}, 'before')")
            time.sleep(0.1)
            since = now()
            time.sleep(0.1)
            for c, first in ((undone, 1001), (done, 2001)):
                c.query(f"INSERT INTO item (id, name) VALUES ({first}, 'within')")
            undone.query("ROLLBACK")
            done.query("COMMIT")
            done.query("INSERT INTO item (id, name) VALUES (2002, 'behind')")
    for order in ("session", "commit"):
        target.execute(SHOP)
        outcome, log = outcome_of(myna, path, target, "--since", since, "--order", order, status=(0,))
        assert target.execute("SELECT id, name FROM shop.item WHERE id >= 1000 ORDER BY id") == "2001\twithin\n2002\tbehind\n"
        assert (outcome["in_transaction"], outcome["differences"]) == (2, 0)
        begun = [one[1][1].split(" ")[0] for one in log.values() if len(one) > 2]
        assert begun == ["BEGIN", "BEGIN"], log


def test_whether_a_joined_session_commits_by_itself_is_learnt(mariadb, target, shop, myna, tmp_path):
    """Nobody is asked: the recorded server's status tells it with its first answer."""
    clients = {name: connect(mariadb, database="shop", autocommit=name != "without") for name in ("without", "within", "alone")}
    clients["read"] = connect(mariadb, database="shop", autocommit=True)
    for name in ("within", "read"):
        clients[name].query("BEGIN")
    path = tmp_path / "source.myna"
    with harness.myna_record(myna, path, mariadb.port):
        clients["read"].query("SELECT COUNT(*) FROM item")
        for first, (name, c) in enumerate(clients.items(), 1):
            c.query(f"INSERT INTO item (id, name) VALUES ({first * 1000}, '{name}')")
            c.query(f"INSERT INTO item (id, name) VALUES ({first * 1000 + 1}, '{name}')")
            c.query("ROLLBACK")
            c.query(f"INSERT INTO item (id, name) VALUES ({first * 1000 + 2}, '{name}')")
            c.query("COMMIT")
            c.query(f"INSERT INTO item (id, name) VALUES ({first * 1000 + 3}, '{name}')")
            c.close()
    rows = "SELECT id FROM shop.item WHERE id >= 1000 ORDER BY id"
    want = mariadb.execute(rows)
    assert want.split() == ["1002", "2002", "2003", "3000", "3001", "3002", "3003", "4002", "4003"]
    for order in ("session", "strict"):
        target.execute(SHOP)
        outcome, log = outcome_of(myna, path, target, "--order", order, "-D", "shop")
        assert target.execute(rows) == want, log
        if order == "strict":
            assert outcome["differences"] == 0
