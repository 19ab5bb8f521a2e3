"""A second judge beside the general log: what the server itself counted. The performance_schema's sums of an
account that only the workload uses are those of what myna heard."""
import pymysql
import pytest

import binary
import harness
from workload import connect, sysbench

# What counts as what: the performance schema's events by their names' beginnings.
EXECUTED = ("statement/sql/", "statement/com/Execute", "statement/com/Query")


@pytest.fixture
def judged(server):
    """An account without history; its statements, rows and errors are the server's own counts."""
    server.execute("CREATE USER judged@'%'; GRANT ALL ON *.* TO judged@'%';"
                   "TRUNCATE performance_schema.events_statements_summary_by_account_by_event_name;"
                   "TRUNCATE performance_schema.accounts")
    yield server
    server.execute("DROP USER judged@'%'")


def counted(server):
    said = server.execute(
        "SELECT event_name, count_star, sum_errors, sum_rows_sent, sum_rows_affected "
        "FROM performance_schema.events_statements_summary_by_account_by_event_name "
        "WHERE user = 'judged' AND count_star > 0")
    rows = [line.split("\t") for line in said.splitlines()]
    return {name: tuple(map(int, numbers)) for name, *numbers in rows}


def total(counts, column, names=EXECUTED):
    return sum(numbers[column] for name, numbers in counts.items() if name.startswith(names))


def workload(server):
    with connect(server, user="judged", database="shop") as c:
        with c.cursor() as cursor:
            for price in range(20):
                cursor.execute(f"SELECT * FROM item WHERE price > {price}")
            cursor.execute("INSERT INTO item (name, price) VALUES ('a', 1), ('b', 2)")
            cursor.execute("UPDATE item SET price = price + 1")
            for wrong in ("SELECT * FROM nowhere", "INSERT INTO item (id) VALUES (1)"):
                with pytest.raises(pymysql.MySQLError):
                    cursor.execute(wrong)
        statement = binary.Statement(c, "SELECT id, name FROM item WHERE id < ?")
        for last in range(10):
            statement.execute(last)
        statement.close()
        c.ping(reconnect=False)


def heard(myna, capture, server, status=(0,)):
    events = myna.export(capture.path, server.port, status=status)
    return [e for e in events if e["type"] == "exchange" and e["command"] in ("QUERY", "STMT_EXECUTE")]


def compare(server, exchanges, counts):
    assert len(exchanges) == total(counts, 0), counts
    assert sum(e["response"] == "error" for e in exchanges) == total(counts, 1), counts
    if server.version.startswith("5.6"):  # does not count the rows of prepared executions
        counts.pop("statement/com/Execute")
        assert sum(e.get("affected_rows", 0) for e in exchanges) >= total(counts, 3), counts
        exchanges = [e for e in exchanges if e["command"] == "QUERY"]
    assert sum(e.get("rows", 0) for e in exchanges) == total(counts, 2), counts
    assert sum(e.get("affected_rows", 0) for e in exchanges) == total(counts, 3), counts


def test_counts_are_the_servers_own(judged, shop, myna, tmp_path):
    capture = harness.tcpdump(tmp_path / "heard.pcap", judged.port)
    with capture:
        workload(judged)
    compare(judged, heard(myna, capture, judged), counted(judged))


def test_prepared_executions_of_sysbench(judged, shop, myna, tmp_path):
    sysbench(judged, "prepare")
    capture = harness.tcpdump(tmp_path / "heard.pcap", judged.port, True)
    with capture:
        sysbench(judged, "run", user="judged", seconds=1)
    assert harness.dropped(capture) == 0
    compare(judged, heard(myna, capture, judged), counted(judged))
