"""Recorded users and databases are those of the target that stand for them."""
import os

import pytest

from replaying import outcome_of
from workload import connect

ACCOUNTS = """CREATE OR REPLACE USER web@'%' IDENTIFIED BY 'secret one'; CREATE OR REPLACE USER batch@'%' IDENTIFIED BY 'secret two';
CREATE OR REPLACE USER plain@'%' IDENTIFIED BY 'a, b = c'; CREATE OR REPLACE USER bare@'%';
GRANT ALL ON *.* TO web@'%'; GRANT ALL ON *.* TO batch@'%'; GRANT ALL ON *.* TO plain@'%'; GRANT ALL ON *.* TO bare@'%'"""


def by_users(server):
    for user in ("app1", "app2", "cron", "empty", "root"):
        with connect(server, user=user, database="shop", autocommit=None) as c:
            c.query(f"SELECT '{user}'")


@pytest.fixture
def people(mariadb, target, shop):
    mariadb.execute("; ".join(f"CREATE OR REPLACE USER {user}@'%'; GRANT ALL ON *.* TO {user}@'%'"
                              for user in ("app1", "app2", "cron", "empty")))
    target.execute(ACCOUNTS)


@pytest.fixture
def recording(mariadb, people, record):
    return record(mariadb, by_users)[0]


@pytest.fixture
def users(tmp_path):
    (tmp_path / "password").write_text("secret two\r\nnot this\n")
    (tmp_path / "password").chmod(0o600)
    path = tmp_path / "users"
    path.write_text(f"# who is who\n\napp* = web, env:MYNA_TEST_WEB\n  cron=batch , file:{tmp_path / 'password'}\n"
                    "empty = bare, none\nnobody = plain, plain:a, b = c\n")
    path.chmod(0o600)
    return path


def logged_in(log):
    """Statement: user, of each connection."""
    said = {}
    for entries in log.values():
        user = next(text for word, text in entries if word == "Connect").split("@")[0]
        said.update({text: user for word, text in entries if word == "Query"})
    return said


def test_recorded_users_log_in_as_the_accounts_of_the_file(recording, users, target, myna, monkeypatch):
    monkeypatch.setenv("MYNA_TEST_WEB", "secret one")
    outcome, log = outcome_of(myna, recording, target, "--users", users, status=(0,))
    assert logged_in(log) == {"SELECT 'app1'": "web", "SELECT 'app2'": "web", "SELECT 'cron'": "batch",
                              "SELECT 'empty'": "bare", "SELECT 'root'": "root"}
    assert [note["text"] for note in outcome["notes"]] == ["logged in as the target's own user: root"]


def test_a_wrong_password_is_told_without_it(recording, users, target, myna, monkeypatch):
    monkeypatch.setenv("MYNA_TEST_WEB", "wrong and secret")
    done = myna.run("replay", recording, "--target", target.url(), "--users", users, status=(3,))
    assert "Access denied for user 'web'" in done.stdout
    assert "secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(("text", "word"), [
    ("app1", "users:1"), ("\napp1 = web, nothing", "users:2"), ("app1 = web, env:MYNA_IS_NOT_SET", "environment"),
    ("app1 = web, file:/does/not/exist", "/does/not/exist")])
def test_a_wrong_file_is_told(recording, users, target, myna, text, word):
    users.write_text(text)
    done = myna.run("replay", recording, "--target", target.url(), "--users", users, status=(1, 2))
    assert word in done.stderr and not done.stdout


@pytest.mark.parametrize("name", ["users", "password"])
def test_a_file_that_others_can_read_is_refused(recording, users, target, myna, monkeypatch, name):
    monkeypatch.setenv("MYNA_TEST_WEB", "secret one")
    os.chmod(users.parent / name, 0o640)
    done = myna.run("replay", recording, "--target", target.url(), "--users", users, status=(2,))
    assert f"chmod 600 {users.parent / name}" in done.stderr and "secret" not in done.stderr


def test_a_change_of_user_is_signed_by_the_mapped_account(mariadb, target, people, users, myna, record, monkeypatch):
    monkeypatch.setenv("MYNA_TEST_WEB", "secret one")
    target.execute("CREATE OR REPLACE DATABASE shop2")

    def workload(server):
        with connect(server, autocommit=None) as c:
            c.query("SELECT 'before'")
            c._execute_command(0x11, b"app1\0\0shop\0\x2d\0mysql_native_password\0\0")  # COM_CHANGE_USER
            assert c._read_packet().is_auth_switch_request()
            c.write_packet(b"")
            c._read_ok_packet()
            c.query("SELECT 'after', DATABASE()")
    other, _ = record(mariadb, workload)
    outcome, log = outcome_of(myna, other, target, "--users", users, "--map-db", "shop=shop2")
    assert outcome["verdicts"]["other_values"] == 1 and outcome["sent"] == outcome["commands"]
    changed = [text for entries in log.values() for word, text in entries if word == "Change user"]
    assert len(changed) == 1 and changed[0].startswith("web@") and "shop2" in changed[0]


def test_default_databases_are_mapped(mariadb, target, shop, myna, record):
    target.execute("CREATE OR REPLACE DATABASE `shop``2`; CREATE TABLE `shop``2`.item LIKE shop.item; "
                   "INSERT INTO `shop``2`.item SELECT * FROM shop.item; DROP TABLE shop.item")

    def workload(server):
        with connect(server, database="shop", autocommit=None) as c:
            c.query("SELECT COUNT(*) FROM item")
            c.select_db("mysql")
            c.query("USE `shop`")
            c.query("SELECT MAX(id) FROM item")
            c.select_db("shop")
            c.query("SELECT MIN(id) FROM item")
            c.query("SELECT name FROM shop.item")
    recording, _ = record(mariadb, workload)
    outcome, log = outcome_of(myna, recording, target, "--map-db", "shop=shop`2", status=(3,))
    said = [(word, text) for entries in log.values() for word, text in entries]
    assert ("Init DB", "shop`2") in said and ("Query", "USE `shop``2`") in said
    assert outcome["differences"] == outcome["verdicts"]["error_new"] == 1
    assert [note["count"] for note in outcome["notes"]] == [1]
    assert outcome["notes"][0]["text"].startswith("sent as recorded")


def test_a_wrong_mapping_is_refused(recording, target, myna):
    done = myna.run("replay", recording, "--target", target.url(), "--map-db", "shop", status=(2,))
    assert "--map-db" in done.stderr
