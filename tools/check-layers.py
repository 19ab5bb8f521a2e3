#!/usr/bin/python3
"""Layers point down: the table of who may include whom, which is the architecture.

    tools/check-layers.py            every #include under src/ obeys the table
    tools/check-layers.py --headers  every header compiles alone

Change the table in a commit of its own, with a note in docs/decisions/.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOP = pathlib.Path(__file__).resolve().parent.parent
SRC = TOP / "src"

# Lowest first. A layer may always include itself.
LAYERS = {
    "base": "",
    "net": "base",
    "capture": "base net",
    "stream": "base net",
    "tcp": "base net stream",
    "mysql": "base",
    "sql": "base",
    "event": "base net mysql sql",
    "track": "base net stream mysql sql event",
    "recording": "base net mysql event",
    "client": "base mysql",
    "inspect": "base mysql client event",
    "broker": "base event recording",
    "mrte": "base net stream mysql sql event",
    "out": "base",
    "metrics": "base",
    "filter": "base sql event",
    "profile": "base sql event",
    "sink": "base mysql sql event recording broker mrte out filter profile",
    "replay": "base mysql sql event recording client out filter profile",
    "input": "base net capture stream tcp track event recording broker mrte",
    "cli": "*",
    "plugin": "base",
}

# A library that may have to be replaced is known to one file only, or, where what it gives is no more than a notation,
# to one layer.
ONE_FILE_ONLY = ("pcap", "amqp", "microhttpd")
ONE_LAYER_ONLY = ("jansson",)

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def sources(pattern):
    return sorted(SRC.glob(pattern))


def includes(path):
    """Yields (line number, '"' or '<', name)."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1), match.group(2)


def check_include(layer, name):
    """The reason why a file of LAYER may not include "NAME", or None."""
    other = name.split("/")[0] if "/" in name else None
    if other is None:
        return f'"{name}" is to be written with its layer: "{layer}/{name}"'
    if other not in LAYERS:
        return f'"{name}" is of no layer in tools/check-layers.py'
    if other == layer or LAYERS[layer] == "*" or other in LAYERS[layer].split():
        return None
    return f"{layer}/ may not include {other}/"


def check_table():
    seen = set()
    for layer, below in LAYERS.items():
        for name in below.split():
            if name != "*" and name not in seen:
                yield f"tools/check-layers.py: {layer} names {name}, which does not stand below it"
        seen.add(layer)


def check_layers():
    bad = list(check_table())
    users = {library: [] for library in (*ONE_FILE_ONLY, *ONE_LAYER_ONLY)}
    for path in sources("*/**/*.[ch]"):
        layer = path.relative_to(SRC).parts[0]
        shown = path.relative_to(TOP)
        if layer not in LAYERS:
            bad.append(f"{shown}: the folder is no layer in tools/check-layers.py")
            continue
        for number, kind, name in includes(path):
            library = name.split("/")[0].removesuffix(".h")
            user = shown.parent if library in ONE_LAYER_ONLY else shown
            if kind == "<" and library in users and user not in users[library]:
                users[library].append(user)
            reason = check_include(layer, name) if kind == '"' else None
            if reason:
                bad.append(f"{shown}:{number}: {reason}")
    for library, files in users.items():
        if len(files) > 1:
            bad.append(f"<{library}.h> is included in more than one place: "
                       + ", ".join(map(str, files)))
    return bad


def compile_alone(header):
    compiler = os.environ.get("CC") or shutil.which("cc") or "gcc"
    name = header.relative_to(SRC)
    command = [*compiler.split(), "-std=gnu11", "-D_GNU_SOURCE", "-I", str(SRC),
               "-include", str(SRC / "base" / "banned.h"), "-Wall", "-Wextra", "-Werror",
               "-Wno-unused-function", "-fsyntax-only", "-x", "c", "-"]
    result = subprocess.run(command, input=f'#include "{name}"\n', text=True, check=False,
                            capture_output=True)
    return None if result.returncode == 0 else f"src/{name} does not compile alone:\n{result.stderr}"


def check_headers():
    """An X-macro list (*_list.h) is text to be included, not a header."""
    headers = [h for h in sources("*/**/*.h") if not h.name.endswith("_list.h")]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [reason for reason in pool.map(compile_alone, headers) if reason]


def main():
    if sys.argv[1:] not in ([], ["--headers"]):
        print(__doc__, file=sys.stderr)
        return 2
    bad = check_headers() if sys.argv[1:] else check_layers()
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
