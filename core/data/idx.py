"""Reads idx files, the format of MNIST: a big-endian header with a magic number and the dimensions, then the numbers.

Format: http://yann.lecun.com/exdb/mnist/ (now mirrored elsewhere).
"""

from __future__ import annotations

import hashlib
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import BadInput
from ..files.atomic import open_regular
from ..files.paths import path_text

GZIP_MAGIC = b"\x1f\x8b"
_CODES = {"u1": 0x08, ">i4": 0x0C}


class CorruptFile(BadInput):
    """A data file is damaged or the wrong one. The message names it and says what is wrong."""


@dataclass(frozen=True)
class Format:
    """The required content of an idx file: numbers of a numpy `dtype` ("u1" or ">i4") in this `shape`."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def header(self) -> bytes:
        """The exact first bytes of such a file."""
        return struct.pack(f">{1 + len(self.shape)}I", _CODES[self.dtype] << 8 | len(self.shape), *self.shape)

    @property
    def size(self) -> int:
        """The exact length of such a file in bytes, unpacked."""
        return len(self.header) + math.prod(self.shape) * np.dtype(self.dtype).itemsize


def read_idx(path: Path, format: Format, md5: str | None = None) -> np.ndarray:
    """Read an idx file, gzipped or not, regardless of its name: browsers unpack files without renaming them.

    Raises CorruptFile unless the header and length are exactly those of the format, gzip's checksum matches if the file
    is gzipped, and the stored file has this MD5, if one is given.
    """
    # One byte more than expected, so that the end is read, where gzip stores its checksum.
    content = _content(path, format.size + 1, md5)
    length = len(content)
    _check_header(path, bytes(content[: len(format.header)]), format)
    if length != format.size:
        found = f"{length:,} bytes, cut off" if length < format.size else "longer"
        raise CorruptFile(f"{path_text(path)} is damaged: {found}; it should be {format.size:,} bytes unpacked")
    return np.frombuffer(content, format.dtype, offset=len(format.header)).reshape(format.shape)


def _content(path: Path, limit: int, md5: str | None) -> bytearray:
    """The first bytes of the unpacked file, at most `limit`."""
    try:
        with open_regular(path) as file:
            # Bytes that cannot be packed take a little more room in a gzip file, which also holds its own name.
            stored = file.read(limit + limit // 100 + 4096)
        if md5 and hashlib.md5(stored, usedforsecurity=False).hexdigest() != md5:
            raise CorruptFile(f"{path_text(path)} is damaged: changed since it was downloaded (wrong checksum)")
        return _unpacked(stored, limit) if stored.startswith(GZIP_MAGIC) else bytearray(stored[:limit])
    except (EOFError, zlib.error) as error:
        raise CorruptFile(f"{path_text(path)} is damaged: not a whole gzip file ({error})") from error
    except OSError as error:
        raise CorruptFile(f"{path_text(path)} cannot be read: {error.strerror or error}") from error


def _unpacked(packed: bytes, limit: int) -> bytearray:
    """Unpack at most `limit` bytes.

    A member takes a few calls, which run without the interpreter lock. The gzip module makes hundreds, and would wait
    for the lock after each of them while another thread imports torch.
    """
    content = bytearray()
    while packed and len(content) < limit:
        member = zlib.decompressobj(wbits=31)
        content += member.decompress(packed, limit - len(content))
        if not member.eof and len(content) < limit:
            raise EOFError("it ends too early")
        packed = member.unused_data.lstrip(b"\0")
    return content


def _check_header(path: Path, found: bytes, format: Format) -> None:
    expected = format.header
    if found == expected:
        return
    if len(found) == len(expected) and found[:4] == expected[:4]:
        shape = struct.unpack(f">{len(format.shape)}I", found[4:])
        raise CorruptFile(
            f"{path_text(path)} is the wrong file: it holds {_sides(shape)} numbers, not {_sides(format.shape)}"
        )
    raise CorruptFile(
        f"{path_text(path)} is the wrong file: not the idx format expected (begins with {found[:4].hex(' ')})"
    )


def _sides(shape: tuple[int, ...]) -> str:
    return " by ".join(f"{length:,}" for length in shape)
