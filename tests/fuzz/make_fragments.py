#!/usr/bin/env python3
"""Writes the seed corpus of fragment_fuzz: one story of fragments a file.

    python3 tests/fuzz/make_fragments.py tests/fuzz/corpus/fragment
"""
import os
import sys

MORE, FLOOD, OTHER_PORT = 1, 2, 4
FLUSH, REPLACE, WAIT = 5 << 5, 6 << 5, 7 << 5


def piece(number, offset, length, more=True, port=2, flags=0):
    return bytes([(MORE if more else 0) | flags, number, offset >> 8, offset & 255, length // 8,
                  port])


def command(what, argument=0):
    return bytes([what, argument, 0, 0, 0, 0])


def datagram(number, port=2, count=4, flags=0):
    return [piece(number, 64 * i, 64, i + 1 < count, port, flags) for i in range(count)]


STORIES = {
    "in_order": datagram(1),
    "backwards": datagram(1)[::-1],
    "backwards_a_burst_each": [s for p in datagram(1)[::-1] for s in (p, command(FLUSH))],
    "denied": datagram(1, port=3),
    "denied_backwards": datagram(1, port=3)[::-1],
    "two_of_one_number": datagram(1) + datagram(1, port=3),
    "copies": datagram(1)[1:] * 2 + datagram(1)[:1] * 2,
    "overlap": datagram(1)[1:] + [piece(1, 32, 64)] + datagram(1)[:1],
    "two_ends": datagram(1)[:2] + [piece(1, 512, 64, False), piece(1, 256, 64, False)],
    "largest": [piece(1, 65528 - 64, 64), piece(1, 65528, 8, False), piece(1, 0, 64)],
    "elsewhere": datagram(1)[:1] + datagram(1, flags=OTHER_PORT)[1:],
    "group": datagram(1, flags=FLOOD)[::-1],
    "too_late": datagram(1)[1:] + [command(WAIT, 250)] + datagram(1)[:1],
    "replaced": datagram(1)[1:] + [command(REPLACE)] + datagram(1),
    "crowd": [piece(i % 8, 64 + 8 * (i // 8), 8) for i in range(200)],
    "many_pieces": [piece(1, 8 * i, 8) for i in range(70)],
    "many_pieces_backwards": [piece(1, 8 * i, 8) for i in range(70)][::-1],
}


def main():
    directory = sys.argv[1]
    os.makedirs(directory, exist_ok=True)
    for name, steps in STORIES.items():
        with open(os.path.join(directory, name), "wb") as file:
            file.write(b"".join(steps))
    return 0


if __name__ == "__main__":
    sys.exit(main())
