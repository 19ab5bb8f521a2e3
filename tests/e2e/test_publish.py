"""Over RabbitMQ: what is published comes out as it went in, once, in order, whatever happens on the way."""
import contextlib
import pathlib
import random
import re
import signal
import subprocess
import threading
import time

import pytest

import broker as rabbitmq
import scrape
import servers
from workload import connect

pytestmark = pytest.mark.once

SESSIONS = 4
EVERY = 0.01  # seconds between two statements of a session


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """A CA, and a certificate of it for localhost."""
    folder = tmp_path_factory.mktemp("tls")
    openssl = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    servers.run([*openssl, "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"], cwd=folder)
    servers.run([*openssl, "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-CA", "ca.pem", "-CAkey",
                 "ca.key", "-keyout", "key.pem", "-out", "cert.pem"], cwd=folder)
    return folder


@pytest.fixture(scope="module")
def broker(tmp_path_factory, certificates):
    try:
        with rabbitmq.Broker(tmp_path_factory.mktemp("broker") / "b", tls=certificates) as b:
            yield b
    except servers.Unavailable as e:
        pytest.skip(str(e))


@pytest.fixture
def name(request):
    """Of an exchange of the test's own."""
    return re.sub(r"\W+", "-", request.node.name)


@pytest.fixture
def pair(mariadb, target):
    for server in (mariadb, target):
        server.execute("DROP DATABASE IF EXISTS carried; CREATE DATABASE carried; USE carried; "
                       "CREATE TABLE said (id INT PRIMARY KEY, who TEXT)")
        server.log_clear()
    return mariadb, target


class Program:
    """myna, during a with block; it is asked to end then, unless it ends by itself."""

    def __init__(self, myna, said, *arguments, ends=False):
        self.command = [myna.path, *map(str, arguments)]
        self.said_path = pathlib.Path(said)
        self.ends = ends
        self.process = None

    def start(self):
        with self.said_path.open("a") as said:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        return self

    __enter__ = start

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __exit__(self, *_):
        if not self.ends:
            self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"{self.command[1]} does not end: {self.said}") from None

    @property
    def said(self):
        return self.said_path.read_text()


class Publisher(Program):
    """myna publish -i lo. The last block leaves when it is asked to end."""

    def __init__(self, myna, folder, source, broker, name, *options):
        super().__init__(myna, folder / "publisher", "publish", "-i", "lo", "--port", source.port, "--to",
                         broker.url(), "--exchange", name, "--shards", 2, "--spool", folder, "--linger", "30s",
                         "--block-age", "300ms", *options)

    def start(self):
        self.said_path.write_text("")
        super().start()
        servers.wait_until_listening(self.process, self.said_path)
        return self

    __enter__ = start


class Replayer(Program):
    """myna replay amqp://..., until nothing comes for some seconds."""

    def __init__(self, myna, said, target, broker, name, *options, idle="3s"):
        super().__init__(myna, said, "replay", broker.url() + f"?exchange={name}", "--target", target.url(),
                         "--idle-exit", idle, *options, ends=True)


class Talk:
    """Sessions that insert one row after the other, each marked by a variable of its session."""

    def __init__(self, server, first=0):
        self.server, self.first = server, first
        self.stopping = threading.Event()
        self.counts = [0] * SESSIONS
        self.threads = [threading.Thread(target=self.speak, args=(i,)) for i in range(SESSIONS)]

    def speak(self, i):
        with connect(self.server, database="carried", autocommit=True) as c:
            c.query(f"SET @who = 'session {i}'")
            while not self.stopping.wait(EVERY):
                number = self.first + i * 100_000 + self.counts[i]
                c.query(f"INSERT INTO said VALUES ({number}, @who)")
                self.counts[i] += 1

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for t in self.threads:
            t.join()


def inserts(server):
    """What the server's own log has of them: text -> how often."""
    found = {}
    for entries in server.general_log().values():
        for word, text in entries:
            if word == "Query" and text.startswith("INSERT"):
                found[text] = found.get(text, 0) + 1
    return found


def rows(server):
    return server.execute("SELECT * FROM said ORDER BY id", "carried").splitlines()


def wait_for_rows(source, target):
    count, until = len(rows(source)), time.monotonic() + 40
    while len(rows(target)) < count and time.monotonic() < until:
        time.sleep(0.2)


def assert_carried(source, target):
    """Each once, and with the session's variable as it was."""
    said, done = inserts(source), inserts(target)
    missing = sorted(said.keys() - done.keys())
    assert not missing, f"{len(missing)} of {len(said)} are missing, such as {missing[:3]}"
    twice = sorted(text for text, count in done.items() if count > 1)
    assert not twice, f"{len(twice)} were executed more than once, such as {twice[:3]}"
    assert rows(target) == rows(source)


# --- a recording, there and back ---

@pytest.fixture(scope="module")
def capture():
    return pathlib.Path(__file__).parent.parent / "golden" / "captures" / "chatter.pcap.gz"


def publish(myna, broker, name, folder, capture, *options, status=(0,)):
    return myna.run("publish", capture, "--to", broker.url(), "--exchange", name, "--spool", folder, *options,
                    status=status)


def same_lines(one, other):
    """In whatever order the queues' first blocks came."""
    return sorted(one.splitlines()) == sorted(other.splitlines())


@pytest.mark.parametrize("kind", ["quorum", "classic"])
def test_what_goes_in_comes_out(myna, broker, name, tmp_path, capture, kind):
    before = myna.run("trace", capture).stdout
    publish(myna, broker, name, tmp_path, capture, "--queue-type", kind, "--shards", 3)
    url = broker.url() + f"?exchange={name}"
    after = myna.run("trace", url, "--idle-exit", "500ms").stdout
    assert same_lines(after, before)
    assert myna.run("trace", url, "--idle-exit", "500ms").stdout == ""  # all was acknowledged


def test_every_sink_takes_it(myna, broker, name, tmp_path, capture):
    url = broker.url() + f"?exchange={name}"
    for command, *options in (["report", "--format", "json"], ["export", "--format", "jsonl"]):
        publish(myna, broker, name, tmp_path, capture)
        assert myna.run(command, url, "--idle-exit", "500ms", *options).stdout.count("SELECT") > 3
    publish(myna, broker, name, tmp_path, capture)
    myna.run("record", url, "--idle-exit", "500ms", "-o", tmp_path / "back.myna")
    before = myna.run("trace", capture).stdout
    assert same_lines(myna.run("trace", tmp_path / "back.myna").stdout, before)
    publish(myna, broker, name, tmp_path, capture)
    publish(myna, broker, name + "-on", tmp_path, url, "--idle-exit", "500ms")
    on = myna.run("trace", broker.url() + f"?exchange={name}-on", "--idle-exit", "500ms").stdout
    assert same_lines(on, before)


def test_a_statement_longer_than_a_block_comes_whole(myna, broker, name, pair, tmp_path):
    source, target = pair
    source.execute("ALTER TABLE carried.said MODIFY who LONGTEXT")
    target.execute("ALTER TABLE carried.said MODIFY who LONGTEXT")
    with Publisher(myna, tmp_path, source, broker, name), connect(source, database="carried", autocommit=True) as c:
        for i in range(3):
            text = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=1000)) * 6000
            c.query(f"INSERT INTO said VALUES ({i}, '{text}')")
    with Replayer(myna, tmp_path / "replayer", target, broker, name, idle="1s"):
        pass
    assert target.execute("CHECKSUM TABLE said", "carried") == source.execute("CHECKSUM TABLE said", "carried")


# --- mistakes ---

def test_what_exists_otherwise_is_left_alone(myna, broker, name, tmp_path, capture):
    publish(myna, broker, name, tmp_path, capture)
    done = publish(myna, broker, name, tmp_path, capture, "--queue-type", "classic", status=(2,))
    assert "inequivalent arg 'x-queue-type'" in done.stderr
    done = publish(myna, broker, name + "x", tmp_path, capture, "--declare", "no", status=(2,))
    assert "NOT_FOUND" in done.stderr
    done = myna.run("trace", broker.url() + "?exchange=nothing", status=(2,))
    assert "'myna publish' makes the queues" in done.stderr


def test_a_password_is_taken_from_a_file_and_shown_nowhere(myna, broker, name, tmp_path, capture):
    url = broker.url(user="guest:se%63ret").replace("guest:", "guest:")
    done = myna.run("publish", capture, "--to", url, "--spool", tmp_path, status=(2,))
    assert "does not let user 'guest' in" in done.stderr
    assert "secret" not in done.stderr and "%63" not in done.stderr
    done = myna.run("report", url, url, status=(2,))
    assert "guest:xxxxxxxx@" in done.stderr and "se%63ret" not in done.stderr
    options = tmp_path / "my.cnf"
    options.write_text("[myna-broker]\nuser = guest\npassword = \"guest\"\n[client]\npassword = other\n")
    with_file = ["--to", broker.url(user=""), "--defaults-file", options, "--exchange", name, "--spool", tmp_path]
    myna.run("publish", capture, *[str(x).replace("//@", "//") for x in with_file])
    with Program(myna, tmp_path / "said", "trace", broker.url(user="guest:guest") + f"?exchange={name}") as trace:
        time.sleep(1)
        shown = pathlib.Path(f"/proc/{trace.process.pid}/cmdline").read_bytes()
    assert b"guest:xxxxx@" in shown


def test_tls_verifies_the_broker(myna, broker, name, tmp_path, certificates, capture):
    url = f"amqps://guest:guest@localhost:{broker.tls_port}/"
    arguments = ["--exchange", name, "--spool", tmp_path]
    myna.run("publish", capture, "--to", f"{url}?cacertfile={certificates}/ca.pem", *arguments)
    done = myna.run("trace", f"{url}?cacertfile={certificates}/ca.pem&exchange={name}", "--idle-exit", "500ms")
    assert same_lines(done.stdout, myna.run("trace", capture).stdout)
    assert "verification failed" in myna.run("trace", f"{url}?exchange={name}", status=(1,)).stderr
    other = url.replace("localhost", "127.0.0.1") + f"?cacertfile={certificates}/ca.pem&exchange={name}"
    assert myna.run("trace", other, status=(1,)).stderr
    assert myna.run("trace", f"{url}?verify=verify_none&exchange={name}", "--idle-exit", "500ms").stdout == ""


# --- how it goes ---

def test_figures_on_both_sides(myna, broker, name, pair, tmp_path):
    source, target = pair
    options = ["--metrics", "0", "--status-interval", "300ms"]
    with Publisher(myna, tmp_path, source, broker, name, *options) as publisher:
        with Replayer(myna, tmp_path / "replayer", target, broker, name, *options, idle="0") as replayer:
            replayer.ends = False
            ends = [scrape.where(program.said_path, program.process) for program in (publisher, replayer)]
            with Talk(source):
                sent = scrape.wait_for(ends[0], lambda f: f.of("myna_confirmed_blocks_total") >= 2)
                done = scrape.wait_for(ends[1], lambda f: f.of("myna_replay_answered_total") >= 10)
            sent_all = scrape.wait_for(ends[0], lambda f: f.of("myna_spool_blocks") == 0
                                       and f.of("myna_confirmed_blocks_total") == f.of("myna_published_blocks_total"))
    for figures in (sent, done, sent_all):
        assert scrape.promtool(figures) == ""
        assert "INSERT" not in figures.text and "guest" not in figures.text and name not in figures.text
    assert sent.of("myna_broker_connected") == 1 and sent.of("myna_broker_errors_total") == 0
    assert sent_all.of("myna_spool_bytes") == sent_all.of("myna_spool_age_seconds") == 0
    assert done.of("myna_consumer_blocks_total") >= 1 and done.of("myna_consumer_connected") == 1
    line = r"^myna {}: [-\d]+ [:\d]+: \d+ sessions?, .*dropped by the process, .*dropped by the interface, .*behind, {}"
    assert re.search(line.format("publish", r".*waiting, .*in the spool, .*old, \d+ broker errors?"), publisher.said, re.M)
    assert re.search(line.format("replay", r"\d+ blocks? not acknowledged, \d+ broker errors?, .*late"), replayer.said, re.M)


# --- accidents, while it is live ---

def restart(broker):
    broker.stop()
    time.sleep(1)
    broker.start()


def crash(broker):
    broker.kill()
    broker.start()


def close_connections(broker):
    for _ in range(3):
        broker.ctl("close_all_connections", "by the test")
        time.sleep(0.7)


def exhaust_memory(broker):
    broker.ctl("set_vm_memory_high_watermark", "0")
    time.sleep(2)
    broker.ctl("set_vm_memory_high_watermark", "0.4")


@pytest.mark.parametrize("accident", [restart, crash, close_connections, exhaust_memory])
def test_nothing_is_lost_and_nothing_twice(myna, broker, name, pair, tmp_path, accident):
    source, target = pair
    with Publisher(myna, tmp_path, source, broker, name) as publisher:
        with Replayer(myna, tmp_path / "replayer", target, broker, name, idle="0") as replayer:
            replayer.ends = False
            with Talk(source):
                time.sleep(1)
                accident(broker)
                time.sleep(1)
            time.sleep(0.5)
            publisher.__exit__()
            wait_for_rows(source, target)
    assert publisher.process.returncode == 0, publisher.said
    assert "broker has confirmed" in publisher.said
    assert replayer.process.returncode in (0, 3), replayer.said
    assert_carried(source, target)


def test_a_killed_publisher_has_sent_all_but_the_block_it_filled(myna, broker, name, pair, tmp_path):
    source, target = pair
    broker.ctl("set_vm_memory_high_watermark", "0")
    try:
        publisher = Publisher(myna, tmp_path, source, broker, name).start()
        with Talk(source):
            time.sleep(1)
        time.sleep(1)  # all blocks are old enough to be in the spool
        with Talk(source, first=1_000_000) as lost:
            time.sleep(0.2)
            publisher.kill()
    finally:
        broker.ctl("set_vm_memory_high_watermark", "0.4")
    with Publisher(myna, tmp_path, source, broker, name) as again, Talk(source, first=2_000_000):
        time.sleep(0.5)
    assert "the run before was killed" in again.said
    assert "left in the spool are sent first" in again.said
    with Replayer(myna, tmp_path / "replayer", target, broker, name, idle="1s"):
        pass
    done = inserts(target)
    assert all(count == 1 for count in done.values())
    missing = inserts(source).keys() - done.keys()
    assert len(missing) <= sum(lost.counts)
    assert all(re.search(r"\(1\d{6},", text) for text in missing), sorted(missing)[:3]


def test_another_replayer_takes_over(myna, broker, name, pair, tmp_path):
    source, target = pair
    with contextlib.ExitStack() as stack:
        publisher = stack.enter_context(Publisher(myna, tmp_path, source, broker, name))
        with Talk(source):
            time.sleep(0.8)
            first = Replayer(myna, tmp_path / "first", target, broker, name).start()
            time.sleep(1.2)
            second = stack.enter_context(Replayer(myna, tmp_path / "second", target, broker, name, idle="4s"))
            time.sleep(1)
            first.kill()
            time.sleep(1)
        time.sleep(0.5)
        publisher.__exit__()
    assert second.process.returncode in (0, 3), second.said
    done = inserts(target)
    assert not inserts(source).keys() - done.keys()
    assert rows(target) == rows(source)
    twice = sum(count - 1 for count in done.values())
    assert twice < 200
    assert twice == 0 or "may be executed twice" in second.said


def parts_of(said):
    """What a replayer said last of how the queues are divided: replayers, its queues, all queues."""
    found = re.findall(r"(\d+) replayers share the queues: (\d+) of (\d+)", said)
    return tuple(map(int, found[-1])) if found else None


def wait_for_parts(programs, parts):
    until = time.monotonic() + 40
    while [parts_of(p.said) for p in programs] != parts and time.monotonic() < until:
        time.sleep(0.2)
    assert [parts_of(p.said) for p in programs] == parts, "\n".join(p.said for p in programs)


def begin(replayer, stack):
    replayer.ends = False
    return stack.enter_context(replayer)


def test_replayers_share_the_queues_as_they_come_and_go(myna, broker, name, pair, tmp_path):
    """A session that is handed over in the middle goes on with its state, and nothing is executed twice or not at all."""
    source, target = pair
    replayers = [Replayer(myna, tmp_path / f"replayer{i}", target, broker, name, idle="0") for i in range(3)]
    with contextlib.ExitStack() as stack:
        publisher = stack.enter_context(Publisher(myna, tmp_path, source, broker, name, "--shards", 4))
        with Talk(source):
            begin(replayers[0], stack)
            time.sleep(1)
            begin(replayers[1], stack)
            wait_for_parts(replayers[:2], [(2, 2, 4), (2, 2, 4)])
            begin(replayers[2], stack)
            wait_for_parts(replayers, [(3, 1, 4), (3, 2, 4), (3, 1, 4)])
            time.sleep(1)
            replayers[0].__exit__()
            wait_for_parts(replayers[1:], [(2, 2, 4), (2, 2, 4)])
            time.sleep(1)
        time.sleep(0.5)
        publisher.__exit__()
        wait_for_rows(source, target)
    assert_carried(source, target)
    assert all(r.process.returncode in (0, 3) for r in replayers)


def test_at_most_a_block_of_each_publisher_and_queue_is_executed_again(myna, broker, name, pair, tmp_path):
    """A replayer that has much waiting, of many blocks, is killed; what the next one repeats is in one block."""
    source, target = pair
    with Publisher(myna, tmp_path, source, broker, name, "--shards", 1), Talk(source):
        time.sleep(4)
    until = time.monotonic() + 20
    while broker.waiting()[f"{name}.0"] <= 6:  # which the broker counts every few seconds
        assert time.monotonic() < until
        time.sleep(0.2)
    first = Replayer(myna, tmp_path / "first", target, broker, name, "--speed", 0.5).start()
    until = time.monotonic() + 40
    while len(rows(target)) < len(rows(source)) / 3 and time.monotonic() < until:
        time.sleep(0.1)
    first.kill()
    with Replayer(myna, tmp_path / "second", target, broker, name, "--speed", "max") as second:
        pass
    told = re.search(r"redelivered: (\d+) blocks, with (\d+) commands.*; (\d+) commands of those", second.said)
    done = inserts(target)
    twice = sum(count - 1 for count in done.values())
    assert not inserts(source).keys() - done.keys()
    assert told and twice <= int(told[3]) < int(told[2]), second.said
    assert int(told[3]) < len(done) / 3


def test_a_block_that_was_executed_in_part_is_not_executed_again_when_the_link_is_lost(myna, broker, name, pair,
                                                                                      tmp_path):
    source, target = pair
    with Publisher(myna, tmp_path, source, broker, name, "--block-age", "30s"), \
            connect(source, database="carried", autocommit=True) as c:
        for i in range(10):
            c.query(f"INSERT INTO said VALUES ({i}, 'part')")
        c.query("DO SLEEP(3)")
        for i in range(10, 20):
            c.query(f"INSERT INTO said VALUES ({i}, 'part')")
    with Replayer(myna, tmp_path / "replayer", target, broker, name) as replayer:
        until = time.monotonic() + 40
        while len(rows(target)) < 10 and time.monotonic() < until:
            time.sleep(0.05)
        broker.ctl("close_all_connections", "by the test")
    assert "the broker is back" in replayer.said
    assert_carried(source, target)


@pytest.fixture
def roomy_pair(pair):
    """Both take long statements."""
    usual = [server.execute("SELECT @@max_allowed_packet").strip() for server in pair]
    for server in pair:
        server.execute("ALTER TABLE carried.said MODIFY who LONGTEXT; SET GLOBAL max_allowed_packet = 100000000")
    yield pair
    for server, size in zip(pair, usual):
        server.execute(f"SET GLOBAL max_allowed_packet = {size}")


def test_a_long_statement_is_acknowledged_when_it_was_executed(myna, broker, name, roomy_pair, tmp_path):
    """It is in more than twenty blocks, of which none is lost with the replayer that had them."""
    source, target = roomy_pair
    text = "".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=10000)) * 2400
    with Publisher(myna, tmp_path, source, broker, name, "--shards", 1), \
            connect(source, database="carried", autocommit=True) as c:
        c.query(f"INSERT INTO said VALUES (1, '{text}')")
    until = time.monotonic() + 30
    while broker.waiting()[f"{name}.0"] <= 20 and time.monotonic() < until:
        time.sleep(0.5)  # the broker counts now and then
    with connect(target, database="carried") as locker:
        locker.query("LOCK TABLES said WRITE")
        replayer = Replayer(myna, tmp_path / "replayer", target, broker, name).start()
        time.sleep(4)
        assert broker.waiting()[f"{name}.0"] > 20
        replayer.kill()
    with Replayer(myna, tmp_path / "again", target, broker, name, idle="2s"):
        pass
    assert target.execute("CHECKSUM TABLE said", "carried") == source.execute("CHECKSUM TABLE said", "carried")


def test_mysql_as_source_and_target(myna, broker, name, pool, tmp_path):
    source, target = pool.get("mysql97"), pool.get("mysql97", "target")
    for server in (source, target):
        server.execute("DROP DATABASE IF EXISTS carried; CREATE DATABASE carried; USE carried; "
                       "CREATE TABLE said (id INT PRIMARY KEY, who TEXT)")
        server.log_clear()
    with Publisher(myna, tmp_path, source, broker, name) as publisher:
        with Replayer(myna, tmp_path / "replayer", target, broker, name, idle="0") as replayer:
            replayer.ends = False
            with Talk(source):
                time.sleep(1)
                close_connections(broker)
            time.sleep(0.5)
            publisher.__exit__()
            wait_for_rows(source, target)
    assert replayer.process.returncode in (0, 3), replayer.said
    assert_carried(source, target)


def test_a_block_that_is_held_for_long_is_given_back_in_time(myna, broker, name, pair, tmp_path):
    """The recorded pause is longer than the time after which a delivery is renewed."""
    source, target = pair
    with Publisher(myna, tmp_path, source, broker, name), connect(source, database="carried", autocommit=True) as c:
        for i in range(3):
            c.query(f"INSERT INTO said VALUES ({i}, 'slow')")
            time.sleep(1.5)
    with Program(myna, tmp_path / "replayer", "replay", broker.url() + f"?exchange={name}&renew=300ms", "--target",
                 target.url(), "--idle-exit", "1s", ends=True) as replayer:
        pass
    assert replayer.process.returncode in (0, 3), replayer.said
    assert_carried(source, target)


def test_a_full_spool_ends_it_or_lets_sessions_go(myna, broker, name, pair, tmp_path):
    source, _ = pair
    broker.ctl("set_vm_memory_high_watermark", "0")
    try:
        with Program(myna, tmp_path / "said", "publish", "-i", "lo", "--port", source.port, "--to", broker.url(),
                     "--exchange", name, "--spool", tmp_path, "--spool-limit", "2k", "--linger", "1s",
                     "--block-age", "200ms", ends=True) as ended, Talk(source):
            ended.process.wait(timeout=20)
        with Publisher(myna, tmp_path, source, broker, name, "--spool-limit", "8k", "--spool-full", "shed",
                       "--linger", "100ms") as shed, Talk(source, first=1_000_000):
            time.sleep(3)
    finally:
        broker.ctl("set_vm_memory_high_watermark", "0.4")
    assert ended.process.returncode == 1 and "the spool has reached its limit" in ended.said
    assert shed.process.returncode == 3 and f"{SESSIONS} sessions let go" in shed.said, shed.said
