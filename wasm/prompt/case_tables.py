"""Writes case_tables.inc, the letters beyond ASCII that change their case: `python3 case_tables.py > case_tables.inc`.

Runs of letters stand as numbers of seven bits a byte, least first, the high bit on all bytes but a number's last. Of
each run: how far its first letter lies behind the last of the run before; twice (letters - 1), plus 1 where only every
second code point belongs to it; how far what they become lies from them, doubled, plus 1 where it is below 0.
Upper-case forms of several letters have a list of their own.
"""

import unicodedata


def changed(change):
    pairs = {c: change(chr(c)) for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF}
    return {c: ord(to) for c, to in pairs.items() if len(to) == 1 and ord(to) != c}


def runs(pairs):
    out = []
    for large, small in sorted(pairs):
        if out:
            first, count, step, distance = out[-1]
            if distance == small - large:
                if count == 1 and large - first in (1, 2):
                    out[-1] = (first, 2, large - first, distance)
                    continue
                if count > 1 and large == first + count * step:
                    out[-1] = (first, count + 1, step, distance)
                    continue
        out.append((large, 1, 1, small - large))
    return out


def number(n):
    return [n] if n < 128 else [n & 127 | 128] + number(n >> 7)


def packed(rows):
    out = []
    at = 0
    for first, count, step, distance in rows:
        out += number(first - at) + number((count - 1) * 2 + step - 1)
        out += number(distance * 2 if distance >= 0 else -distance * 2 + 1)
        at = first + (count - 1) * step
    return out


def text(name, data, comment):
    print(f"// {comment}\nconstexpr std::string_view {name}(")
    line = ""
    for byte in data:
        piece = f"\\{byte:03o}"
        if len(line) + len(piece) > 100:
            print(f'    "{line}"')
            line = ""
        line += piece
    print(f'    "{line}",\n    {len(data)});')


lower = changed(str.lower)
upper = changed(str.upper)
both = [(a, b) for a, b in lower.items() if upper.get(b) == a]
to_lower = [(a, b) for a, b in lower.items() if upper.get(b) != a]
# Sorted by the small letter, which stands first here.
to_upper = [(b, a) for b, a in upper.items() if lower.get(a) != b]
print(f"// Written by case_tables.py from Unicode {unicodedata.unidata_version}.")
text("kBothWays", packed(runs(both)), "Letters that become each other.")
text("kToLower", packed(runs(to_lower)), "Those that become small only.")
text("kToUpper", packed(runs(to_upper)), "Those that become large only: small letters, and how far the large ones lie from them.")
longer = [(c, chr(c).upper()) for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF and len(chr(c).upper()) > 1]
print("// A letter, and what it becomes where that is more than one.")
print("constexpr std::string_view kLongUpper =")
line = '    "'
for c, to in longer:
    piece = chr(c) + to + " "
    if len(line) + len(piece) > 100:
        print(line + '"')
        line = '    "'
    line += piece
print(line + '";')
