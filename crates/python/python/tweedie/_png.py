"""PNG files in memory, for notebooks and viewers."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from tweedie._arrays import Batch

#: Pixels of white between two pictures.
_GAP = 4


def png_of(pictures: list[Batch]) -> bytes:
    """Pictures ``[1, C, H, W]`` side by side, with 8 bits, clipped to [0, 1]; C other than 1 or 3 shows the first channel."""
    planes = []
    height = max(picture.shape[2] for picture in pictures)
    for picture in pictures:
        values = picture[0] if picture.shape[1] == 3 else np.repeat(picture[0, :1], 3, axis=0)
        bytes_ = np.rint(np.clip(values, 0, 1) * 255).astype(np.uint8)
        padded = np.full((3, height, bytes_.shape[2] + _GAP), 255, dtype=np.uint8)
        padded[:, : bytes_.shape[1], : bytes_.shape[2]] = bytes_
        planes.append(padded)
    pixels = np.moveaxis(np.concatenate(planes, axis=2)[:, :, :-_GAP], 0, -1)
    # Each row begins with the number of its filter, 0.
    rows = np.zeros((height, 1 + 3 * pixels.shape[1]), dtype=np.uint8)
    rows[:, 1:] = pixels.reshape(height, -1)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", pixels.shape[1], height, 8, 2, 0, 0, 0)
    compressed = zlib.compress(rows.tobytes(), 6)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", compressed) + chunk(b"IEND", b"")
