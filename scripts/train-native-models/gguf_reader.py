"""Reads the GGUF files that gguf_writer writes: matrices in F16 and vectors in F32, both as float32 arrays."""

import struct
from pathlib import Path

import numpy

from gguf_writer import ALIGNMENT, ARRAY, BOOL, FLOAT32, INT32, STRING, TENSOR_F16, TENSOR_F32, UINT32

CODES = {UINT32: "<I", INT32: "<i", FLOAT32: "<f", BOOL: "<?"}
NUMBER_TYPES = {TENSOR_F16: "<f2", TENSOR_F32: "<f4"}


class Reader:
    """A place in the file's bytes that moves on with every read."""

    def __init__(self, data: bytes):
        self.data, self.place = data, 0

    def numbers(self, code: str) -> tuple:
        found = struct.unpack_from(code, self.data, self.place)
        self.place += struct.calcsize(code)
        return found

    def string(self) -> str:
        (length,) = self.numbers("<Q")
        self.place += length
        return self.data[self.place - length : self.place].decode("utf-8")

    def value(self, kind: int):
        """A metadata value of one type; a list for an array."""
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            element, count = self.numbers("<IQ")
            return [self.value(element) for _ in range(count)]
        return self.numbers(CODES[kind])[0]


def read(path: Path) -> tuple[dict, dict[str, numpy.ndarray]]:
    """Metadata and tensors, the slowest-moving dimension first."""
    reader = Reader(path.read_bytes())
    magic, version, tensor_count, pair_count = reader.numbers("<4sIQQ")
    if magic != b"GGUF" or version != 3:
        raise ValueError(f"{path} is no GGUF file of version 3 (it begins with {magic!r}, version {version})")
    metadata = {}
    for _ in range(pair_count):
        key = reader.string()
        metadata[key] = reader.value(*reader.numbers("<I"))
    table = []
    for _ in range(tensor_count):
        name, (dimensions,) = reader.string(), reader.numbers("<I")
        table.append((name, reader.numbers(f"<{dimensions}Q")[::-1], *reader.numbers("<IQ")))
    body = reader.place + -reader.place % ALIGNMENT
    tensors = {}
    for name, shape, kind, offset in table:
        count = int(numpy.prod(shape))
        content = numpy.frombuffer(reader.data, NUMBER_TYPES[kind], count, body + offset)
        tensors[name] = content.reshape(shape).astype(numpy.float32)
    return metadata, tensors
