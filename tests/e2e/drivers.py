"""The programs of clients/: what other people's drivers say, each built or fetched at its first use."""
import functools
import os
import pathlib
import re
import shutil
import subprocess

import harness
import servers

CLIENTS = harness.TOP / "tests" / "e2e" / "clients"
GO_PATH = "/usr/share/gocode"
JAVA_DRIVER = "/usr/share/java/mariadb-java-client.jar"
RUN_SECONDS = 60
COUNTED = ("QUERY", "STMT_EXECUTE", "STMT_BULK_EXECUTE", "STMT_FETCH")
NAMED = re.compile(r"^/\*(\w+)\*/")

SHOP = """
DROP DATABASE IF EXISTS shop;
CREATE DATABASE shop CHARACTER SET utf8mb4;
USE shop;
CREATE TABLE item (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100), price DECIMAL(8,2),
    weight DOUBLE, made DATETIME(3), note LONGBLOB);
INSERT INTO item (name, price, weight, made, note) VALUES
    ('anvil', 99.90, 50.5, '2024-02-29 12:30:00.125', 'heavy'), ('feather', 0.10, 0.001, NULL, NULL),
    ('rope', 12.00, 2, NULL, '');
CREATE TABLE slow (id INT PRIMARY KEY AUTO_INCREMENT, name VARCHAR(100));
INSERT INTO slow (name) SELECT a.name FROM item a, item b, item c, item d, item e;
DELIMITER //
CREATE PROCEDURE twice(IN i INT, OUT o INT) BEGIN
    SELECT id, name FROM item WHERE id <= 3; SET o = i + 1; SELECT 'second'; END//
DELIMITER ;
"""


def need(program, package):
    if not shutil.which(program):
        raise servers.Unavailable(f"needs the package {package}")


def need_file(path, package):
    if not pathlib.Path(path).exists():
        raise servers.Unavailable(f"needs the package {package}")


@functools.cache
def library(kind, folder, name="library"):
    """The program of NAME.c, with MySQL's client library or with MariaDB's, as a command."""
    program = pathlib.Path(folder, f"{name}_{kind}")
    if kind == "mysql":
        headers, shared = servers.mysql97_headers()
        # The library wants a newer libc than the compiler's: it has it where it runs.
        how = [f"-I{headers}", f"-I{headers}/mysql", str(shared), "-Wl,--allow-shlib-undefined"]
    else:
        how = servers.run(["pkg-config", "--cflags", "--libs", "libmariadb"]).split()
    servers.run(["cc", "-o", str(program), str(CLIENTS / f"{name}.c"), *how])
    if kind == "mariadb":
        return [str(program)]
    inner = servers.place_for_data(servers.mysql97_root())
    inner.mkdir()
    shutil.copy(program, inner)
    return ["chroot", str(servers.mysql97_root()), f"/data/{inner.name}/{program.name}"]


@functools.cache
def go_program(folder):
    need("go", "golang-go")
    need_file(f"{GO_PATH}/src/github.com/go-sql-driver", "golang-github-go-sql-driver-mysql-dev")
    program = pathlib.Path(folder, "driver_go")
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": GO_PATH, "GOCACHE": f"{servers.CACHE}/go",
                   "GOFLAGS": "", "CGO_ENABLED": "0"}
    done = subprocess.run(["go", "build", "-o", program, CLIENTS / "driver.go"], env=environment, check=False,
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return program


@functools.cache
def java_classes(folder):
    need("javac", "default-jdk-headless")
    need_file(JAVA_DRIVER, "libmariadb-java")
    servers.run(["javac", "-d", str(folder), str(CLIENTS / "Connector.java")])
    return f"{folder}:{JAVA_DRIVER}:/usr/share/java/slf4j-api.jar:/usr/share/java/slf4j-nop.jar"


def connector(server, folder, options, size):
    url = f"jdbc:mariadb://127.0.0.1:{server.port}/shop?user=root&allowMultiQueries=true&sslMode=DISABLED&{options}"
    return ["java", "-XX:TieredStopAtLevel=1", "-cp", java_classes(folder), "Connector", url, size]


def go(server, folder, options, size):
    return [go_program(folder), f"root@tcp(127.0.0.1:{server.port})/shop?multiStatements=true&{options}", size]


def node(server, _, module, size):
    need("node", "nodejs")
    modules = servers.npm_modules(CLIENTS / "node")
    return ["env", f"NODE_PATH={modules}", "node", CLIENTS / "driver.js", module, server.port, size]


def php(server, _, __, size):
    need("php", "php-cli and php-mysql")
    return ["php", CLIENTS / "client.php", server.port, size]


def perl(server, _, driver, size):
    need("perl", "perl")
    need_file(f"/usr/lib/x86_64-linux-gnu/perl5/5.36/DBD/{driver}.pm", f"libdbd-{driver.lower()}-perl")
    return ["perl", CLIENTS / "client.pl", driver, server.port, size]


def python(server, _, __, size):
    need_file("/usr/lib/python3/dist-packages/MySQLdb", "python3-mysqldb")
    return ["/usr/bin/python3", CLIENTS / "client.py", server.port, size]


def c_library(server, folder, how, size):
    kind, compression = how.split("-")
    return [*library(kind, folder), server.port, size, compression]


def shop(database="shop"):
    """What makes the tables that the programs use, in DATABASE."""
    return SHOP.replace("shop", database)


def say(command, database="shop"):
    """Runs a program of clients/; what it told: {name: [count, ...]}. Its tables are in DATABASE, which is told to it in
    the environment or within its data source."""
    counts = {}
    words = [str(word).replace("/shop?", f"/{database}?") for word in command]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=RUN_SECONDS,
                          env={**os.environ, "DATABASE": database})
    assert done.returncode == 0, f"{command[0]}: {done.stdout[-1000:]}{done.stderr[-2000:]}"
    for line in done.stdout.splitlines():
        name, count = line.split("\t")
        counts.setdefault(name, []).append(int(count))
    return counts


def count_of(exchange):
    if exchange["response"] == "error":
        return exchange["error"]["code"]
    return exchange.get("rows", 0) + exchange.get("affected_rows", 0)


def heard(events):
    """The same, of what myna told."""
    counts = {}
    for e in events:
        match = NAMED.match(e.get("sql") or "") if e["type"] == "exchange" else None
        if not match or e["command"] not in (COUNTED if e["response"] != "error" else (*COUNTED, "STMT_PREPARE")):
            continue
        if e["command"] == "STMT_FETCH":
            counts[match.group(1)][-1] += count_of(e)
        else:
            counts.setdefault(match.group(1), []).append(count_of(e))
    return counts
