#!/usr/bin/env python3
"""Reads src/sql/word_list.h and writes the hash table that src/sql/word.c looks words up in.

A word's key is its first eight bytes, and its last eight if it has more, in upper case and as
little-endian numbers; collisions go to the next free slot.
"""

import re
import sys

SLOTS_LOG2 = 12
MULTIPLIERS = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F)
FOLD = 0xDFDFDFDFDFDFDFDF


def key(word):
    data = word.encode("ascii")
    first = int.from_bytes(data[:8], "little") & FOLD
    last = int.from_bytes(data[-8:], "little") & FOLD if len(data) > 8 else 0
    return first, last


def slot_of(first, last, length):
    mask = (1 << 64) - 1
    h = (first * MULTIPLIERS[0] & mask) ^ ((last + length) * MULTIPLIERS[1] & mask)
    return h >> (64 - SLOTS_LOG2)


def main(list_path, out_path):
    with open(list_path, encoding="ascii") as f:
        words = re.findall(r"^SQL_WORD\((\w+), \w+\)$", f.read(), re.M)
    slots = [0] * (1 << SLOTS_LOG2)
    keys = ["\t{0, 0},"]
    for number, word in enumerate(words, start=1):
        first, last = key(word)
        keys.append(f"\t{{{first:#x}, {last:#x}}},")
        at = slot_of(first, last, len(word))
        while slots[at]:
            at = (at + 1) % len(slots)
        slots[at] = number
    with open(out_path, "w", encoding="ascii") as f:
        f.write("/* Made by make-word-table.py; see there. */\n")
        f.write(f"enum {{ SLOTS_LOG2 = {SLOTS_LOG2} }};\n")
        for name, value in zip(("FIRST", "LAST"), MULTIPLIERS):
            f.write(f"#define MULTIPLIER_{name} UINT64_C({value:#x})\n")
        f.write(f"#define FOLD UINT64_C({FOLD:#x})\n")
        f.write("static const struct word_key word_keys[] = {\n" + "\n".join(keys) + "\n};\n")
        f.write("static const uint16_t word_slots[] = {\n")
        for i in range(0, len(slots), 16):
            f.write("\t" + " ".join(f"{s}," for s in slots[i : i + 16]) + "\n")
        f.write("};\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
