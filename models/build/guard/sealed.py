"""The head of the guard's data files: a magic of four letters and the XXH64 (seed 0) of what follows."""

PRIMES = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
MASK = (1 << 64) - 1


def rotated(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def mixed(lane, word):
    return rotated((lane + word * PRIMES[1]) & MASK, 31) * PRIMES[0] & MASK


def xxh64(data):
    one, two, three, four, five = PRIMES
    at, value = 0, five
    if len(data) >= 32:
        lanes = [(one + two) & MASK, two, 0, -one & MASK]
        while len(data) - at >= 32:
            for i in range(4):
                lanes[i] = mixed(lanes[i], int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little"))
            at += 32
        value = sum(rotated(lane, bits) for lane, bits in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            value = ((value ^ mixed(0, lane)) * one + four) & MASK
    value = (value + len(data)) & MASK
    while len(data) - at >= 8:
        value = (rotated(value ^ mixed(0, int.from_bytes(data[at:at + 8], "little")), 27) * one + four) & MASK
        at += 8
    if len(data) - at >= 4:
        value = (rotated(value ^ int.from_bytes(data[at:at + 4], "little") * one & MASK, 23) * two + three) & MASK
        at += 4
    for byte in data[at:]:
        value = rotated(value ^ byte * five & MASK, 11) * one & MASK
    value = (value ^ value >> 33) * two & MASK
    value = (value ^ value >> 29) * three & MASK
    return value ^ value >> 32


def sealed(magic, body):
    return magic + xxh64(body).to_bytes(8, "little") + body
