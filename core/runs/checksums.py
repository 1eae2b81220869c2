"""Checks the checksums of many sealed lines at once."""

from __future__ import annotations

from binascii import hexlify
from zlib import crc32

import numpy as np

_SEAL = np.dtype([("mark", "S8"), ("checksum", "S8"), ("end", "S2")])
# CRC is linear: if two texts differ in the last byte only, their checksums differ by the same bits for every prefix.
_BRACE_FOR_COMMA = crc32(b",") ^ crc32(b"}")


def all_sealed(lines: bytes) -> bool:
    """Whether `codec.is_sealed` holds for every one of these whole lines."""
    size, ends = _SEAL.itemsize, np.flatnonzero(np.frombuffer(lines, np.uint8) == ord("\n"))
    if not len(ends) or np.diff(ends, prepend=-1).min() <= size:
        return False
    seals = np.ndarray((len(lines) - size + 1,), _SEAL, lines, strides=(1,))[ends - size]
    if (seals["mark"] != b',"crc":"').any() or (seals["end"] != b'"}').any():
        return False
    # The sealed text had a brace in the place of the mark's comma.
    found = np.array([crc32(line[: 1 - size]) for line in lines.split(b"\n")[:-1]], ">u4") ^ _BRACE_FOR_COMMA
    return hexlify(found.astype(">u4").tobytes()) == seals["checksum"].tobytes()
