"""Coded sound stored as samples is decoded or refused by name; loud noise is neither."""

from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from audio_files import chirp, write_pyav
from moodtheme.audio import read_audio
from moodtheme.audio.bitstreams import find_bitstream
from moodtheme.errors import NotAudioError

RATE = 48_000


def packets(folder: Path, codec: str) -> list[bytes]:
    path = write_pyav(folder / f"coded.{codec}", chirp(3.0, RATE), RATE, codec, "fltp")
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def bursts(frames: list[bytes], kind: int, period: int) -> bytes:
    """IEC 61937: a preamble of four words, the frame, zeros up to the next."""
    whole = b""
    for packet in frames:
        frame = packet + bytes(len(packet) % 2)
        head = b"\xf8\x72\x4e\x1f" + kind.to_bytes(2, "big") + (8 * len(frame)).to_bytes(2, "big")
        whole += (head + frame).ljust(period * 4, b"\0")
    return whole


def as_samples(data: bytes, *, order: str) -> np.ndarray:
    return np.frombuffer(data[: len(data) // 4 * 4], order).astype(np.int16).reshape(-1, 2)


def dts(length: int, *, bits: int) -> bytes:
    """Frames with DTS's mark and noise behind it: enough to be known by."""
    draw = np.random.default_rng(bits)
    mark = bytes.fromhex("7ffe8001fc3c" if bits == 16 else "1fffe80007f1")
    return b"".join(mark + draw.bytes(length - len(mark)) for _ in range(60))


@pytest.fixture(scope="module")
def streams(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("coded")
    ac3, eac3 = packets(folder, "ac3"), packets(folder, "eac3")
    return {
        "AC-3": b"".join(ac3),
        "AC-3 bursts": bursts(ac3, 1, 1536),
        "E-AC-3": b"".join(eac3),
        "E-AC-3 bursts": bursts(eac3, 21, 6144),
        "DTS": dts(2048, bits=16),
        "DTS 14": dts(2012, bits=14),
        "DTS bursts": bursts([dts(1006, bits=16)[:1006]] * 60, 11, 512),
    }


KINDS = ["AC-3", "AC-3 bursts", "E-AC-3", "E-AC-3 bursts", "DTS", "DTS 14", "DTS bursts"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("order", ["<i2", ">i2"])
@pytest.mark.parametrize("form", ["WAV PCM_16", "WAV PCM_24", "FLAC PCM_16", "AIFF PCM_16"])
def test_coded_sound_is_decoded_or_refused_by_name(
    streams: dict[str, bytes], tmp_path: Path, kind: str, order: str, form: str
) -> None:
    container, subtype = form.split()
    samples = as_samples(streams[kind], order=order)
    samples = np.concatenate([np.zeros((7_001, 2), np.int16), samples])
    assert find_bitstream(samples[7_001:][:32_768]) == kind.split(maxsplit=1)[0]
    path = tmp_path / "song"
    soundfile.write(path, samples, RATE, format=container, subtype=subtype)
    try:
        audio = read_audio(path)
    except NotAudioError as error:
        assert f"holds {kind.split(maxsplit=1)[0]}, " in error.reason
    else:
        assert np.abs(audio.samples).mean() < 0.25, "noise"


def test_noise_is_never_refused() -> None:
    draw = np.random.default_rng(0)
    for seed in range(60):
        loud = draw.integers(-32_768, 32_768, (32_768, 2)).astype(np.int16)
        if seed % 3 == 1:  # clipped
            loud = np.clip(loud.astype(int) * 9, -32_768, 32_767).astype(np.int16)
        if seed % 3 == 2:  # with marks strewn in at random places
            loud = loud.ravel()
            loud[draw.integers(0, len(loud), 40)] = 0x0B77
            for at in draw.integers(0, len(loud) - 2, 12):
                loud[at : at + 2] = np.array([0x7FFE, 0x8001]).astype(np.uint16).view(np.int16)
        assert find_bitstream(loud) is None
