#!/usr/bin/python3
"""The linters, one per word: tools/lint.py format|tidy|cppcheck|words [BUILD]

    format    clang-format agrees with every C file
    tidy      clang-tidy (see .clang-tidy) finds nothing; BUILD has compile_commands.json. Files
              that have not changed since they were found clean are not looked at again.
    cppcheck  cppcheck finds nothing
    words     no // comment, ASCII only, no file over its length, TODO only with its issue
"""
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOP = pathlib.Path(__file__).resolve().parent.parent
LINES_MAX = 600
C_FOLDERS = ("src", "tests", "fuzz", "bench")
TEXT_SUFFIXES = {".c", ".h", ".py", ".sh", ".md", ".build", ".txt", ".1", ".sql", ".lua", ""}

# Comments, strings and character constants, so that // inside one of them is not taken for a comment.
TOKEN = re.compile(r"""/\*.*?\*/|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|//[^\n]*""", re.S)


def c_files(*folders):
    return sorted(path for folder in folders for path in (TOP / folder).rglob("*.[ch]"))


def lint_format(_build):
    # A clang-format of another age formats otherwise; the project's is Debian 12's.
    command = ["clang-format", "--dry-run", "--Werror", *map(str, c_files(*C_FOLDERS))]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    files = sorted({line.split(":")[0] for line in result.stderr.splitlines() if ": error:" in line})
    if files:
        return [f"{os.path.relpath(name, TOP)}: clang-format -i would change it" for name in files]
    return [result.stderr] if result.returncode else []


def compile_arguments(entry):
    """The arguments of a compile command that a tool which only looks needs."""
    words = shlex.split(entry["command"])[1:]
    keep, skip = [], False
    for word in words:
        if skip:
            skip = False
        elif word in ("-o", "-MF", "-MQ"):
            skip = True
        elif word not in ("-c", "-MD"):
            keep.append(word)
    return keep


def fingerprint(entry):
    """Changes when anything that clang-tidy looks at for this file does."""
    listing = subprocess.run(["cc", *compile_arguments(entry), "-MM"], cwd=entry["directory"],
                             capture_output=True, text=True, check=True).stdout
    names = listing.replace("\\\n", " ").split(":", 1)[1].split()
    digest = hashlib.sha256((TOP / ".clang-tidy").read_bytes() + entry["command"].encode())
    for name in names:
        digest.update((pathlib.Path(entry["directory"]) / name).read_bytes())
    return digest.hexdigest()


# glibc's optimised forms of assert(), tolower() ... are blocks, and would count as nesting.
TIDY_PLAIN = ("-Wno-unknown-warning-option", "-Wno-ignored-optimization-argument", "-U_FORTIFY_SOURCE", "-O0", "-D__STRICT_ANSI__")


def tidy_one(entry, build, clean):
    mark = clean / fingerprint(entry)
    if mark.exists():
        return None
    path = pathlib.Path(entry["directory"], entry["file"]).resolve()
    command = ["clang-tidy", "-p", str(build), "--quiet",
               *(f"--extra-arg={word}" for word in TIDY_PLAIN), str(path)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode == 0:
        mark.touch()
        return None
    return result.stdout + ("" if result.stdout.strip() else result.stderr)


def lint_tidy(build):
    entries = json.loads((build / "compile_commands.json").read_text())
    wanted = (TOP / "src", TOP / "fuzz")
    entries = [e for e in entries
               if any(w in pathlib.Path(e["directory"], e["file"]).resolve().parents for w in wanted)]
    clean = build / "tidy-clean"
    clean.mkdir(exist_ok=True)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [text for text in pool.map(lambda e: tidy_one(e, build, clean), entries) if text]


def lint_cppcheck(build):
    cache = build / "cppcheck"
    cache.mkdir(exist_ok=True)
    command = ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--std=c11",
               "--inline-suppr", "--error-exitcode=1", f"--cppcheck-build-dir={cache}",
               f"-j{os.cpu_count()}", "-I", "src", "-D_GNU_SOURCE", "--suppress=unknownMacro",
               "--suppress=nullPointerOutOfMemory", "src"]
    result = subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)
    return [result.stderr] if result.returncode or result.stderr.strip() else []


def line_comments(text):
    for match in TOKEN.finditer(text):
        if match.group().startswith("//"):
            yield text.count("\n", 0, match.start()) + 1


def words_of(path):
    shown = path.relative_to(TOP)
    data = path.read_bytes()
    is_code = path.suffix in (".c", ".h", ".py")
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.isascii():
            yield f"{shown}:{number}: not ASCII"
        if path.suffix in (".c", ".h") and re.search(rb"\bTODO\b(?!\(#\d+\))", line):
            yield f"{shown}:{number}: TODO without its issue"
        if is_code and line.endswith((b" ", b"\t")):
            yield f"{shown}:{number}: white space at the end"
    if is_code and not path.name.endswith("_list.h") and data.count(b"\n") > LINES_MAX:
        yield f"{shown}: over {LINES_MAX} lines"
    if path.suffix in (".c", ".h"):
        for number in line_comments(data.decode(errors="replace")):
            yield f"{shown}:{number}: // comment"


def lint_words(_build):
    listing = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             cwd=TOP, capture_output=True, text=True, check=False)
    names = listing.stdout.split("\0") if listing.returncode == 0 else []
    paths = [TOP / name for name in names if name] or [p for f in C_FOLDERS for p in (TOP / f).rglob("*")]
    data = ("corpus", "expected")  # bytes on purpose
    texts = [p for p in paths if p.is_file() and p.suffix in TEXT_SUFFIXES
             and not any(part in data for part in p.relative_to(TOP).parts)]
    return [line for path in sorted(texts) for line in words_of(path)]


def main():
    linters = {"format": lint_format, "tidy": lint_tidy, "cppcheck": lint_cppcheck, "words": lint_words}
    if len(sys.argv) not in (2, 3) or sys.argv[1] not in linters:
        print(__doc__, file=sys.stderr)
        return 2
    build = pathlib.Path(sys.argv[2] if len(sys.argv) == 3 else TOP / "build").resolve()
    found = linters[sys.argv[1]](build)
    for text in found:
        print(text)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
