"""Workloads that real clients make."""

import compressing
import pymysql
import servers


def connect(server, compression=None, **options):
    """PyMySQL to SERVER over TCP, without TLS. COMPRESSION: zlib or zstd."""
    settings = {"host": "127.0.0.1", "port": server.port, "user": "root", "charset": "utf8mb4",
                "read_timeout": 60}
    if compression:
        return compressing.Connection(how=compression, **{**settings, **options})
    return pymysql.connect(**{**settings, **options})


def command_line(server, *arguments, sql, plain=True):
    """SERVER's own command line client over TCP; PLAIN: without TLS."""
    more = ["--commands=ON"] if server.client_program == "mysql" else []
    if plain:
        more += ["--ssl-mode=DISABLED"] if server.client_program == "mysql" else ["--skip-ssl"]
    command = server.client_command("--protocol=TCP", "-h127.0.0.1", f"-P{server.port}", *more, *arguments)
    return servers.run(command, input=sql)


def sysbench(server, action, *options, threads=4, seconds=3, script="oltp_read_write", database="shop",
             tables=2, rows=1000, user="root"):
    """Rows are used evenly: two transactions seldom want the same, and deadlocks are rare."""
    command = ["sysbench", script, "--db-driver=mysql", "--mysql-host=127.0.0.1",
               f"--mysql-port={server.port}", f"--mysql-user={user}", f"--mysql-db={database}",
               f"--tables={tables}", f"--table-size={rows}", f"--threads={threads}", f"--time={seconds}",
               "--events=0", "--mysql-ssl=off", "--rand-type=uniform", *options, action]
    return servers.run(command, timeout=120)
