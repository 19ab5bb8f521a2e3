"""Small programs of the build that tell what a part of myna makes of the bytes it is given."""
import os
import pathlib
import subprocess

import harness


def path(name):
    build = pathlib.Path(os.environ.get("MYNA", harness.TOP / "build" / "myna")).resolve().parent
    program = build / "tests" / "unit" / name
    if not program.exists():
        raise RuntimeError(f"{program} is not built")
    return str(program)


def ask(name, *arguments, lines):
    """The lines that tool NAME answers to LINES."""
    done = subprocess.run([path(name), *arguments], input="".join(f"{line}\n" for line in lines),
                          capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, f"{name}: {done.stderr[-2000:]}"
    return done.stdout.splitlines()
