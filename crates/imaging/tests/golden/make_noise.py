"""Reference values of the seeded noise: the algorithm of noise.rs again, from its description alone.

Run in this folder with numpy: writes noise.npy, f64, one row of samples for each (seed, stream) of CASES.
"""

import math
import struct

import numpy as np

CASES = [(0, 0), (1, 0), (0, 1), (0x0123456789ABCDEF, 0xFEDCBA9876543210)]
# Two words a uniform number, two uniform numbers a pair of samples: eight pairs need two blocks of 16 words.
SAMPLES = 16
MASK = 0xFFFFFFFF


def quarter(x, a, b, c, d):
    for first, second, target, bits in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)]:
        x[first] = (x[first] + x[second]) & MASK
        mixed = x[target] ^ x[first]
        x[target] = ((mixed << bits) | (mixed >> (32 - bits))) & MASK


def chacha8_block(key, counter, nonce):
    """RFC 8439's block function with 8 rounds, and a 64-bit counter and nonce as in Bernstein's paper."""
    start = list(struct.unpack("<4I", b"expand 32-byte k")) + list(struct.unpack("<8I", key))
    start += list(struct.unpack("<4I", struct.pack("<QQ", counter, nonce)))
    x = start.copy()
    for _ in range(4):
        for column in range(4):
            quarter(x, column, 4 + column, 8 + column, 12 + column)
        for column in range(4):
            quarter(x, column, 4 + (column + 1) % 4, 8 + (column + 2) % 4, 12 + (column + 3) % 4)
    return [(a + b) & MASK for a, b in zip(start, x)]


def uniforms(seed, stream):
    key = struct.pack("<Q", seed) + bytes(24)
    counter = 0
    while True:
        block = chacha8_block(key, counter, stream)
        for low, high in zip(block[::2], block[1::2]):
            yield ((high << 32 | low) >> 11) / 2**53
        counter += 1


def samples(seed, stream):
    numbers = uniforms(seed, stream)
    for _ in range(SAMPLES // 2):
        u1, u2 = next(numbers), next(numbers)
        radius = math.sqrt(-2 * math.log(1 - u1))
        yield radius * math.cos(2 * math.pi * u2)
        yield radius * math.sin(2 * math.pi * u2)


np.save("noise.npy", np.array([list(samples(*case)) for case in CASES]))
