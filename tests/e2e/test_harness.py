"""The judge is judged first: what a client said is what the server's log has."""
import binary
import harness
import servers
from workload import connect


def test_general_log_of_both_kinds_is_understood():
    log = servers.parse_general_log(
        b"mariadbd, Version: 10.11. started with:\nTcp port: 1\nTime\t\t    Id Command\tArgument\n"
        b"261120 10:34:58\t    1 Connect\troot@localhost on  using TCP/IP\n"
        b"\t\t    1 Query\tselect 'a\nb'\n"
        b"2026-11-20T10:00:00.000001Z\t   12 Close stmt\t\n"
        b"\t\t    1 Quit\t\n")
    assert log == {1: [("Connect", "root@localhost on  using TCP/IP"), ("Query", "select 'a\nb'"),
                       ("Quit", "")], 12: [("Close stmt", "")]}


def test_literals_are_compared_by_their_value():
    assert harness.log_entry("Execute", r"SET a='it''s \"x\"\n', b=1.5e0, c=x'73', d='2024-02-29 12:30:01'") == \
        harness.log_entry("Execute", "SET a='it\\'s \\\"x\\\"\\n', b=1.5, c='s', "
                          "d=TIMESTAMP'2024-02-29 12:30:01.000000'")
    assert harness.log_entry("Execute", "SELECT 'a'") != harness.log_entry("Execute", "SELECT 'b'")
    assert harness.log_entry("Execute", "SELECT 1") != harness.log_entry("Execute", "SELECT '1'")


def test_server_logs_what_a_client_says(server, shop):
    with connect(server, database="shop") as c:
        number = c.thread_id()
        with c.cursor() as cursor:
            cursor.execute("SELECT name FROM item WHERE id = 2")
            assert cursor.fetchone() == ("feather",)
        statement = binary.Statement(c, "SELECT id FROM item WHERE name = ? OR id = ?")
        assert len(statement.execute("rope", 1)) == 2
        statement.close()
    log = harness.logged_conversations(server.general_log())[number]
    assert log == [
        ("Query", "SET AUTOCOMMIT = 0"),
        ("Query", "SELECT name FROM item WHERE id = 2"),
        ("Prepare", "SELECT id FROM item WHERE name = ? OR id = ?"),
        ("Execute", "SELECT id FROM item WHERE name = 'rope' OR id = 1"),
        ("Close stmt", ""), ("Quit", ""),
    ]


def test_capture_is_whole_and_drops_nothing(mariadb, tmp_path):
    capture = harness.tcpdump(tmp_path / "a.pcap", mariadb.port)
    with capture:
        with connect(mariadb) as c:
            c.query("SELECT 12345")
    assert "0 packets dropped by kernel" in capture.said
    data = capture.path.read_bytes()
    assert b"SELECT 12345" in data and data.count(b"\x01\x00\x00\x00\x01") >= 1
