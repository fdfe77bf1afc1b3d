"""Writes GGUF version 3: metadata, tensor table, tensors aligned to 32 bytes; matrices in F16, vectors in F32."""

import struct
from pathlib import Path

import numpy

ALIGNMENT = 32
UINT32, INT32, FLOAT32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TENSOR_F32, TENSOR_F16 = 0, 1


def string(text: str) -> bytes:
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def value(content) -> bytes:
    """A typed metadata value; lists take the type of their first element (whole numbers become INT32 there)."""
    if isinstance(content, bool):
        return struct.pack("<I?", BOOL, content)
    if isinstance(content, int):
        return struct.pack("<II", UINT32, content)
    if isinstance(content, float):
        return struct.pack("<If", FLOAT32, content)
    if isinstance(content, str):
        return struct.pack("<I", STRING) + string(content)
    head = struct.pack("<I", ARRAY)
    if isinstance(content[0], str):
        return head + struct.pack("<IQ", STRING, len(content)) + b"".join(map(string, content))
    kind, code = (FLOAT32, "f") if isinstance(content[0], float) else (INT32, "i")
    return head + struct.pack(f"<IQ{len(content)}{code}", kind, len(content), *content)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % ALIGNMENT)


def write(path: Path, metadata: dict, tensors: dict[str, numpy.ndarray]) -> None:
    """Writes the file beside its place and renames it, so that a reader never meets half a model."""
    table, body = b"", b""
    for name, tensor in tensors.items():
        kind, number_type = (TENSOR_F16, "<f2") if tensor.ndim > 1 else (TENSOR_F32, "<f4")
        # GGUF lists the fastest-moving dimension first, numpy last.
        shape = tensor.shape[::-1]
        table += string(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, len(body))
        body += padded(numpy.ascontiguousarray(tensor, dtype=number_type).tobytes())
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    pairs = b"".join(string(key) + value(content) for key, content in metadata.items())
    partial = path.with_suffix(".partial")
    partial.write_bytes(padded(head + pairs + table) + body)
    partial.replace(path)
