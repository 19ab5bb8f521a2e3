#!/usr/bin/python3
"""What the documents say of the commands is what the program says of itself.

    tools/check-docs.py BUILD/myna

The option tables are the source: `myna man DIR` writes a page per command from them, and these are
the pages in docs/man/ (`make man` writes them anew). Every command stands in the README and in
`myna --help`; every option of a command stands in its own --help. The table of layers in
docs/architecture.md is that of tools/check-layers.py, the table of coverage in docs/export.md that
of src/event/coverage_list.h, and a document that is linked to is there.
"""
import importlib.util
import pathlib
import re
import subprocess
import sys
import tempfile

TOP = pathlib.Path(__file__).resolve().parent.parent
COMMITTED = TOP / "docs" / "man"
SKIPPED = 77  # meson's word for it


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def compare_pages(fresh):
    old = {path.name: path.read_text() for path in COMMITTED.glob("*.1")}
    new = {path.name: path.read_text() for path in fresh.glob("*.1")}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            yield f"docs/man/{name}: the program has no such page"
        elif name not in old:
            yield f"docs/man/{name} is missing: run 'make man'"
        elif old[name] != new[name]:
            yield f"docs/man/{name} is out of date: run 'make man'"


def options_of(page):
    """The long options of a man page, which writes a dash as \\-."""
    return set(re.findall(r"--([a-z][a-z0-9-]+)", page.read_text().replace("\\-", "-")))


def compare_help(myna, fresh):
    readme = (TOP / "README.md").read_text() if (TOP / "README.md").exists() else ""
    main_help = run(myna, "--help")
    for page in sorted(fresh.glob("myna-*.1")):
        command = page.stem.removeprefix("myna-")
        if not re.search(rf"^\s*{command}\b", main_help, re.M):
            yield f"myna --help does not list {command}"
        if f"myna {command}" not in readme:
            yield f"README.md does not mention 'myna {command}'"
        missing = options_of(page) - set(re.findall(r"--([a-z][a-z0-9-]+)", run(myna, command, "--help")))
        for option in sorted(missing):
            yield f"myna {command} --help does not list --{option}"


def layers():
    """The table of tools/check-layers.py, whose name is no name of a module."""
    spec = importlib.util.spec_from_file_location("check_layers", TOP / "tools" / "check-layers.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.LAYERS


def compare_layers():
    """Of the layers that exist, in the same order."""
    text = (TOP / "docs" / "architecture.md").read_text()
    told = re.findall(r"^\| `([a-z]+)/` \| .* \| (.+?) \|$", text, re.M)
    true = [(name, below or "-") for name, below in layers().items() if (TOP / "src" / name).is_dir()]
    for name, below in sorted(set(true) - set(told)):
        yield f"docs/architecture.md: {name}/ may include: {below}"
    for name, below in sorted(set(told) - set(true)):
        yield f"docs/architecture.md: {name}/ may not be said to include: {below}"
    if set(told) == set(true) and told != true:
        yield "docs/architecture.md: the layers are not in the order of tools/check-layers.py"


def compare_coverage():
    text = (TOP / "docs" / "export.md").read_text()
    told = re.findall(r"^\| `(\w+)` \| (yes|) \| (.+) \|$", text, re.M)
    rows = (TOP / "src" / "event" / "coverage_list.h").read_text()
    true = [(name, "yes" if loss == "true" else "", counts) for name, loss, counts in
            re.findall(r'^COVERAGE\((\w+), (true|false),\s*"[^"]+",\s*"([^"]+)"\)', rows, re.M)]
    if told != true:
        yield "docs/export.md: the table of coverage is not src/event/coverage_list.h"


def compare_links():
    for page in [*TOP.glob("*.md"), *TOP.glob("docs/**/*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / link).exists():
                yield f"{page.relative_to(TOP)}: there is no {link}"


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    myna = sys.argv[1]
    if not pathlib.Path(myna).exists():
        print(f"{myna} is not built")
        return SKIPPED
    with tempfile.TemporaryDirectory() as fresh:
        run(myna, "man", fresh)
        fresh = pathlib.Path(fresh)
        bad = [*compare_pages(fresh), *compare_help(myna, fresh), *compare_layers(),
               *compare_coverage(), *compare_links()]
        if not list(fresh.glob("myna-*.1")):
            bad.append("myna man wrote no page named myna-COMMAND.1")
    for line in bad:
        print(line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
