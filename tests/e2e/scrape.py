"""What a program serves with --metrics, read as strictly as Prometheus reads it."""
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

SECONDS = 60  # for what has to come in the end
WHERE = re.compile(r"figures at (http://\S+/metrics)")
HELP = re.compile(r"# HELP ([a-z_:]+) \S.*")
TYPE = re.compile(r"# TYPE ([a-z_:]+) (counter|gauge|histogram)")
SAMPLE = re.compile(r'([a-z_:]+)(?:\{([a-z_]+)="((?:[^"\\\n]|\\.)*)"\})? (\d+(?:\.\d+)?)')


class Figures(dict):
    """(name, value of the label or None) -> number; TYPES: family -> type."""

    def __init__(self, text):
        super().__init__()
        self.text = text
        self.types = {}
        assert text.endswith("\n")
        lines = iter(text.splitlines())
        family = None
        for line in lines:
            if line.startswith("# HELP"):
                family = HELP.fullmatch(line).group(1)
                assert family not in self.types, f"{family} comes twice"
                name, kind = TYPE.fullmatch(next(lines)).groups()
                assert name == family
                self.types[family] = kind
                continue
            name, _, label, value = SAMPLE.fullmatch(line).groups()
            histogram = self.types[family] == "histogram"
            assert name == family or histogram and name in {f"{family}_{end}" for end in ("bucket", "sum", "count")}
            assert (name, label) not in self
            self[name, label] = float(value)
        for name, kind in self.types.items():
            assert (kind == "counter") == name.endswith("_total"), name
            if kind == "histogram":
                self.check_histogram(name)

    def check_histogram(self, family):
        buckets = [(float(label), value) for (name, label), value in self.items() if name == f"{family}_bucket"]
        assert buckets == sorted(buckets) and [n for _, n in buckets] == sorted(n for _, n in buckets)
        assert buckets[-1] == (float("inf"), self[f"{family}_count", None])

    def of(self, name):
        return self[name, None]


def where(said, process=None):
    """The URL that the program told in the file SAID, once it is there."""
    until = time.monotonic() + SECONDS
    while not (found := WHERE.search(said.read_text())):
        assert time.monotonic() < until and (process is None or process.poll() is None), said.read_text()
        time.sleep(0.05)
    return found.group(1)


def get(url, timeout=SECONDS):
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return Figures(answer.read().decode())


def wait_for(url, done):
    """The figures once DONE says so of them."""
    until = time.monotonic() + SECONDS
    while True:
        try:
            figures = get(url)
            if done(figures):
                return figures
        except (urllib.error.URLError, ConnectionError):
            figures = None  # its thread has not begun, or is busy with others
        assert time.monotonic() < until, figures and figures.text
        time.sleep(0.1)


def promtool(figures):
    """What Prometheus' own tool finds wrong, if it is installed."""
    if not shutil.which("promtool"):
        return ""
    done = subprocess.run(["promtool", "check", "metrics"], input=figures.text, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
