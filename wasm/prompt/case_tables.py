"""Writes case_tables.inc, the letters beyond ASCII that change their case: `python3 case_tables.py > case_tables.inc`.

Simple mappings stand as runs {first, count, step, distance}: `count` code points from `first` on, `step` apart, each
mapped to itself + distance. Full upper-case mappings of several characters stand in a list of their own.
"""

import sys
import unicodedata


def runs(change):
    pairs = [(c, change(chr(c))) for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF]
    pairs = [(c, ord(to) - c) for c, to in pairs if len(to) == 1 and ord(to) != c]
    out = []
    for c, distance in pairs:
        if out:
            first, count, step, known = out[-1]
            last = first + (count - 1) * step
            if known == distance and count < 255:
                if count == 1 and c - first in (1, 2):
                    out[-1] = (first, 2, c - first, distance)
                    continue
                if count > 1 and c == last + step:
                    out[-1] = (first, count + 1, step, distance)
                    continue
        out.append((c, 1, 1, distance))
    return out


def table(name, rows):
    print(f"constexpr CaseRun {name}[] = {{")
    line = "   "
    for row in rows:
        piece = " {" + ", ".join(f"{n:#x}" if i == 0 else str(n) for i, n in enumerate(row)) + "},"
        if len(line) + len(piece) > 108:
            print(line)
            line = "   "
        line += piece
    print(line)
    print("};")


print(f"// Written by case_tables.py from Unicode {unicodedata.unidata_version}.")
table("kLower", runs(str.lower))
table("kUpper", runs(str.upper))
longer = [(c, chr(c).upper()) for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF and len(chr(c).upper()) > 1]
print("// A letter, and what it becomes where that is more than one.")
print("constexpr std::string_view kLongUpper =")
line = "    \""
for c, to in longer:
    piece = chr(c) + to + " "
    if len(line) + len(piece) > 100:
        print(line + "\"")
        line = "    \""
    line += piece
print(line + "\";")
print(len(longer), file=sys.stderr)
