"""What the end-to-end tests are made of: the program, captures, and the judge.

The judge is the server's own general log. What myna heard is turned into the log's words, and the
two are compared connection by connection, entry by entry.
"""
import base64
import json
import pathlib
import re
import signal
import subprocess
import sys
import time

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(TOP / "tools"))

import servers  # noqa: E402

LISTEN_SECONDS = 20
RUN_SECONDS = 120
QUIET_SECONDS = 0.3  # a capture that has not grown for so long has them all

# myna's name of a command -> the general log's. The servers do not log PING, SET_OPTION, STMT_FETCH and
# RESET_CONNECTION, nor a prepare that failed.
LOG_WORDS = {
    "QUERY": "Query", "INIT_DB": "Init DB", "STMT_PREPARE": "Prepare", "STMT_EXECUTE": "Execute",
    "STMT_CLOSE": "Close stmt", "STMT_RESET": "Reset stmt", "STMT_SEND_LONG_DATA": "Long Data",
    "QUIT": "Quit", "STATISTICS": "Statistics", "FIELD_LIST": "Field List", "CHANGE_USER": "Change user",
    "DEBUG": "Debug",
}
NOT_LOGGED = {"PING", "SET_OPTION", "STMT_FETCH", "RESET_CONNECTION"}
WITH_TEXT = {"Query", "Init DB", "Prepare", "Execute"}


class Myna:
    """The program under test."""

    def __init__(self, path):
        self.path = str(path)

    def run(self, *arguments, status=(0,), **options):
        """Runs myna; STATUS: the exit statuses that are expected, None for any."""
        options.setdefault("timeout", RUN_SECONDS)
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, text=True,
                              errors="surrogateescape", check=False, **options)
        if status is not None and done.returncode not in status:
            raise AssertionError(f"myna {' '.join(map(str, arguments))}: status {done.returncode}\n"
                                 f"{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
        return done

    def start(self, *arguments):
        return subprocess.Popen([self.path, *map(str, arguments)], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def export(self, path, port=None, status=(0,)):
        """The lines of `myna export`, as dictionaries."""
        ports = ["--port", port] if port else []
        done = self.run("export", path, "--format", "jsonl", *ports, status=status)
        return [json.loads(line) for line in done.stdout.splitlines()]


class Capture:
    """Listens on the loopback interface during a with block; the file is whole at its end."""

    def __init__(self, path, port, command, last_seconds=QUIET_SECONDS):
        self.path = pathlib.Path(path)
        self.port = port
        self.last_seconds = last_seconds  # what was said last is on its way for so long
        self.command = command

    def __enter__(self):
        said = self.path.with_suffix(".said")
        with said.open("w") as out:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        servers.wait_until_listening(self.process, said)
        return self

    def __exit__(self, *_):
        self.wait_until_quiet()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(timeout=LISTEN_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"{self.command[0]} does not stop: {self.said}") from None

    @property
    def said(self):
        return self.path.with_suffix(".said").read_text()

    def wait_until_quiet(self):
        size = -1
        deadline = time.monotonic() + LISTEN_SECONDS
        while time.monotonic() < deadline:
            before, size = size, self.path.stat().st_size if self.path.exists() else 0
            if before == size:
                return
            time.sleep(self.last_seconds)

    @property
    def status(self):
        return self.process.returncode


def tcpdump(path, port, busy=False):
    """A capture by tcpdump, to a pcap file. BUSY: for a flood, which it takes in larger pieces."""
    how = ["-B", "262144"] if busy else ["-B", "65536", "-U", "--immediate-mode"]
    return Capture(path, port, ["tcpdump", "-i", "lo", "-n", "-s", "0", *how, "-Z", "root", "-w", str(path),
                                f"tcp port {port}"], last_seconds=1.5 if busy else QUIET_SECONDS)


def dropped(capture):
    """Frames that tcpdump itself has lost."""
    return int(re.search(r"(\d+) packets? dropped by kernel", capture.said).group(1))


def myna_record(myna, path, port, *options):
    """A recording by myna itself, live."""
    return Capture(path, port, [myna.path, "record", "-i", "lo", "--port", str(port), "-o", str(path),
                                *options])


def plain(text):
    """TEXT without what the servers take away: white space and semicolons at the ends."""
    return text.strip(" \t\n;")


STRING = r"'((?:[^'\\]++|\\.|'')*+)'"
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "0": "\0", "Z": "\x1a"}
LITERAL = re.compile(rf"\b[xX]'([0-9a-fA-F]*)'|(?:\b(?:TIMESTAMP|DATE|TIME))?{STRING}|\b(\d+(?:\.\d+)?e[+-]?\d+)\b",
                     re.S)


def plain_literal(match):
    """A literal's value: a string, bytes, a time or a number can be written in more than one way."""
    digits, string, number = match.groups()
    if number:
        return repr(float(number)).removesuffix(".0")
    if digits is not None:
        return repr(bytes.fromhex(digits).decode("utf-8", "surrogateescape"))
    value = re.sub(r"\\(.)|''", lambda m: ESCAPES.get(m.group(1), m.group(1) or "'"), string, flags=re.S)
    return repr(re.sub(r"(\d\d:\d\d:\d\d(?:\.\d*[1-9])?)\.?0+$", r"\1", value))


def log_entry(command, text):
    if command == "Execute":
        return (command, LITERAL.sub(plain_literal, plain(text)))
    return (command, plain(text) if command in WITH_TEXT else "")


def is_logged(exchange):
    command = exchange["command"]
    return command not in NOT_LOGGED and not (command == "STMT_PREPARE" and exchange["response"] == "error")


def heard_entry(exchange):
    word = LOG_WORDS.get(exchange["command"], exchange["command"])
    text = exchange.get("text") if word == "Execute" else exchange.get("sql")
    if word != "Execute" and "sql_base64" in exchange:  # the log has what was sent
        text = base64.b64decode(exchange["sql_base64"]).decode("utf-8", "surrogateescape")
    return log_entry(word, text or "")


def heard_conversations(events):
    """{connection id: [(log word, text), ...]} of every session that logged in."""
    ids, conversations = {}, {}
    for event in events:
        if event["type"] == "session" and event.get("login") == "ok":
            ids[event["session"]] = event["connection_id"]
            conversations[event["connection_id"]] = []
        elif event["type"] == "exchange" and event["session"] in ids and is_logged(event):
            conversations[ids[event["session"]]].append(heard_entry(event))
    return conversations


def logged_conversations(log):
    """The same of a parsed general log: what came after the Connect."""
    return {number: [log_entry(*entry) for entry in entries if entry[0] != "Connect"]
            for number, entries in log.items()}


def assert_same(heard, logged, what=""):
    """HEARD and LOGGED are lists of entries; the first difference is shown."""
    for i, (h, l) in enumerate(zip(heard, logged)):
        assert h == l, (f"{what} entry {i}: heard {h!r}, the server's log has {l!r}\n"
                        f"around it, heard: {heard[max(i - 4, 0):i + 4]}\nlogged: {logged[max(i - 4, 0):i + 4]}")
    more, who = (heard, "heard") if len(heard) > len(logged) else (logged, "the server's log has")
    shared = min(len(heard), len(logged))
    assert len(heard) == len(logged), (f"{what}: heard {len(heard)} entries, the log has {len(logged)}; "
                                       f"only {who} {more[shared]!r}")


def assert_heard_all(events, log, at_least=1, seen=lambda entries: entries):
    """Every session that was heard is in the log, entry by entry; there are at least AT_LEAST. SEEN makes of either's
    entries those that are compared."""
    heard = {number: seen(entries) for number, entries in heard_conversations(events).items()}
    logged = {number: seen(entries) for number, entries in logged_conversations(log).items()}
    assert len(heard) >= at_least, f"{len(heard)} sessions heard, not {at_least}"
    for number, entries in heard.items():
        assert number in logged, f"connection {number} was heard, but the server does not know it"
        assert_same(entries, logged[number], f"connection {number}")


def without_trials(log):
    """LOG without what the replayer asks for itself: connections that were only opened and closed (it tries the target
    with one before it begins), and questions, which it marks."""
    said = {number: [entry for entry in entries if "/* myna:" not in entry[1]] for number, entries in log.items()}
    return {number: entries for number, entries in said.items()
            if any(command not in ("Connect", "Quit") for command, _ in entries)}


def prepared_once(entries):
    """MySQL prepares a statement again, and logs it, when the types of its parameters turn out to be others."""
    return [entry for i, entry in enumerate(entries) if i == 0 or entry[0] != "Prepare" or entry != entries[i - 1]]


def as_56_logs_it(entries):
    """MySQL 5.6 leaves fractions of seconds and executions that open a cursor out of its log."""
    return [(command, re.sub(r"(\d\d:\d\d:\d\d)\.\d+", r"\1", text)) for command, text in prepared_once(entries)
            if command != "Execute" or "/*cursor*/" not in text]


def as_logged_by(server):
    """What makes of a connection's entries those that SERVER has in its log."""
    return as_56_logs_it if server.version.startswith("5.6") else prepared_once


def said_something(log, seen):
    return sorted(seen(entries) for entries in logged_conversations(without_trials(log)).values())


def assert_replayed(source, target, seen=prepared_once):
    """Parsed logs of both: the target got the same conversations, each in its own order. SEEN makes of either's entries
    those that are compared."""
    want, got = said_something(source, seen), said_something(target, seen)
    assert len(got) == len(want), f"{len(got)} sessions at the target, not {len(want)}"
    for i, (g, w) in enumerate(zip(got, want)):
        assert_same(g, w, f"session {i} (sorted)")


def sessions_over_tcp(log):
    """Only connections that came over TCP: the tests' own questions go over the socket."""
    return {number: entries for number, entries in log.items()
            if entries[0][0] == "Connect" and "@localhost" not in entries[0][1]}


def coverage(events):
    assert events and events[-1]["type"] == "coverage", "the last line is not the coverage"
    return events[-1]
