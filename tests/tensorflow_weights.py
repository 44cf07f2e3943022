"""Wheels of TensorFlow's checkpoints, made for tests: musicnn's package in what is read of it."""

import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from moodtheme.models.packaged_musicnn import PackagedMusicnn


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out, value = out + bytes([value & 0x7F | 0x80]), value >> 7
    return out + bytes([value])


def _block(entries: Mapping[bytes, bytes]) -> bytes:
    """Entries (bytes shared with the key before, the rest of the key, value), a restart, a seal."""
    body, before = b"", b""
    for key, value in sorted(entries.items()):
        shared = next(
            (i for i, (a, b) in enumerate(zip(before, key, strict=False)) if a != b), len(before)
        )
        before = key
        body += _varint(shared) + _varint(len(key) - shared) + _varint(len(value))
        body += key[shared:] + value
    return body + bytes(4) + (1).to_bytes(4, "little")


def _entry(shape: tuple[int, ...], offset: int, size: int) -> bytes:
    sizes = [b"\x08" + _varint(n) for n in shape]
    dimensions = b"".join(b"\x12" + _varint(len(n)) + n for n in sizes)
    place = b"\x20" + _varint(offset) + b"\x28" + _varint(size)
    return b"\x08\x01\x12" + _varint(len(dimensions)) + dimensions + place


def write_checkpoint(wheel: Path, name: str, tensors: Mapping[str, np.ndarray]) -> Path:
    """Add to a wheel a checkpoint as TensorFlow writes it, and in it a tensor of integers."""
    data = b""
    entries = {b"": b"\x08\x01", b"step": b"\x08\x09\x20\x00\x28\x08"}
    for key, value in tensors.items():
        entries[key.encode()] = _entry(value.shape, len(data), value.nbytes)
        data += value.astype("<f4").tobytes()
    table = _block(entries)
    places = _block({b"z": _varint(0) + _varint(len(table))})
    footer = _varint(0) + _varint(0) + _varint(len(table) + 5) + _varint(len(places))
    index = table + bytes(5) + places + bytes(5) + footer.ljust(48, b"\0")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr(f"{name}.index", index)
        archive.writestr(f"{name}.data-00000-of-00001", data)
    return wheel


def tensorflow_tensors(network: PackagedMusicnn) -> dict[str, np.ndarray]:
    """A network's weights as TensorFlow names and turns them."""
    tensors = {}
    convolutions = [*network.front, *network.middle]
    for number, layer in enumerate(convolutions):
        kernel = layer.weight.detach()
        if kernel.ndim == 3:
            kernel = kernel.transpose(1, 2)[:, None]
        name = f"conv2d_{number}" if number else "conv2d"
        tensors[f"{name}/kernel"] = kernel.permute(2, 3, 1, 0)
        tensors[f"{name}/bias"] = layer.bias.detach()
    norms = [network.spec_bn, *network.norms, network.pooled_bn, network.bn]
    for number, norm in enumerate(norms):
        name = f"batch_normalization_{number}" if number else "batch_normalization"
        tensors |= {
            f"{name}/gamma": norm.weight.detach(),
            f"{name}/beta": norm.bias.detach(),
            f"{name}/moving_mean": norm.running_mean,
            f"{name}/moving_variance": norm.running_var,
        }
    for name, layer in (("dense", network.dense1), ("dense_1", network.dense2)):
        tensors[f"{name}/kernel"] = layer.weight.detach().T
        tensors[f"{name}/bias"] = layer.bias.detach()
    return {name: np.ascontiguousarray(value) for name, value in tensors.items()}
