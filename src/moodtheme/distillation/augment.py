"""Changes to windows of music, in PyTorch so that they run wherever the teachers do.

Two kinds. **Content** (speed, tempo, mixture, strong equalisation, a room) makes other music of the
window: the teachers hear the changed one, so no change can make a label wrong. **Nuisance** (a few
per cent of speed, a codec's holes and band limit, mild equalisation, noise) is what a mood should
not depend on: only the student hears it, and is to say what the teachers said without it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from moodtheme.models.moodtheme_small import EXCERPT_SAMPLES, SAMPLE_RATE

MARGIN_SAMPLES = 29 * 1024  # a window of content is this much longer than what the student hears
CONTENT_SAMPLES = EXCERPT_SAMPLES + MARGIN_SAMPLES
_GRID = 1024  # lengths of transforms are multiples of it, which have fast algorithms

_SPEED = 0.22  # natural logarithm: pitch and tempo together, ± 4 semitones
_STRETCH = 0.22  # tempo alone
_STRONG_EQ_DB, _MILD_EQ_DB = 6.0, 1.5  # standard deviation of the gain at each point
_EQ_POINTS_HZ = (60.0, 250.0, 1000.0, 3000.0, 7000.0)
_MIX_DB = (-12.0, 0.0)  # level of a second piece against the first
_ROOM_S = (0.15, 1.2)  # time in which the room's sound falls by 60 dB
_ROOM_DB = (-15.0, -2.0)  # level of the room against the direct sound
_BAND_LIMITS_HZ = (3_300.0, 7_500.0)
_HOLES_DB = (22.0, 45.0)  # partials further below a frame's loudest are lost, as a codec loses them
_NOISE_DB = (-50.0, -25.0)
_NUISANCE_SPEED = 0.058  # ± 1 semitone


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is done to one window; the neutral values do nothing."""

    speed: float = 1.0
    stretch: float = 1.0
    mix_db: float | None = None
    eq_db: tuple[float, ...] | None = None
    room: tuple[float, float] | None = None
    heard_speed: float = 1.0
    heard_eq_db: tuple[float, ...] | None = None
    band_limit_hz: float | None = None
    holes_db: float | None = None
    noise_db: float | None = None
    seed: int = 0

    @classmethod
    def draw(cls, rng: np.random.Generator) -> "Change":
        """One change; about a tenth of all windows stay wholly as they are."""
        some = rng.random(9) < (0.35, 0.15, 0.2, 0.3, 0.2, 0.3, 0.3, 0.2, 0.25)

        def gains(deviation: float) -> tuple[float, ...]:
            return tuple(float(g) for g in rng.normal(0.0, deviation, len(_EQ_POINTS_HZ)))

        full = cls(
            speed=float(np.exp(rng.uniform(-_SPEED, _SPEED))),
            stretch=float(np.exp(rng.uniform(-_STRETCH, _STRETCH))),
            mix_db=float(rng.uniform(*_MIX_DB)),
            eq_db=gains(_STRONG_EQ_DB),
            room=(float(rng.uniform(*_ROOM_S)), float(rng.uniform(*_ROOM_DB))),
            heard_speed=float(np.exp(rng.uniform(-_NUISANCE_SPEED, _NUISANCE_SPEED))),
            heard_eq_db=gains(_MILD_EQ_DB),
            band_limit_hz=float(rng.uniform(*_BAND_LIMITS_HZ)),
            holes_db=float(rng.uniform(*_HOLES_DB)),
            noise_db=float(rng.uniform(*_NOISE_DB)),
            seed=int(rng.integers(2**31)),
        )
        if rng.random() < 0.1:
            return cls()
        return cls(
            speed=full.speed if some[0] else 1.0,
            stretch=full.stretch if some[1] else 1.0,
            mix_db=full.mix_db if some[2] else None,
            eq_db=full.eq_db if some[3] else None,
            room=full.room if some[4] else None,
            heard_speed=full.heard_speed if some[5] else 1.0,
            heard_eq_db=full.heard_eq_db if some[6] else None,
            band_limit_hz=full.band_limit_hz if some[7] and rng.random() < 0.6 else None,
            holes_db=full.holes_db if some[7] else None,
            noise_db=full.noise_db if some[8] else None,
            seed=full.seed,
        )


def cut(audio: Tensor, start: int, samples: int) -> Tensor:
    """Exactly `samples` samples of `audio` ``(n,)`` from `start`, looped where it ends."""
    piece = audio[start : start + samples]
    if len(piece) < samples:
        at = torch.arange(start, start + samples, device=audio.device) % len(audio)
        piece = audio[at]
    return piece


def content(
    audio: Tensor, start: int, partner: Tensor, partner_start: int, change: Change
) -> Tensor:
    """A window ``(CONTENT_SAMPLES,)`` of `audio` from `start`, changed as the teachers hear it."""
    faster = change.speed * change.stretch
    length = _GRID * round(CONTENT_SAMPLES * faster / _GRID)
    window = cut(audio, start, length)
    if change.stretch != 1.0:
        window = _stretched(window, change.stretch)
        window = cut(window, 0, _GRID * round(CONTENT_SAMPLES * change.speed / _GRID))
    if len(window) != CONTENT_SAMPLES:
        window = _resampled(window, CONTENT_SAMPLES)
    if change.mix_db is not None:
        other = cut(partner, partner_start, CONTENT_SAMPLES)
        gain = 10 ** (change.mix_db / 20) * _rms(window) / torch.clamp(_rms(other), min=1e-6)
        window = window + other * gain
    if change.eq_db is not None or change.room is not None:
        spectrum = torch.fft.rfft(window)
        if change.eq_db is not None:
            spectrum = spectrum * _gains(change.eq_db, len(window), window.device)
        if change.room is not None:
            spectrum = spectrum * torch.fft.rfft(_room(change, window.device), len(window))
        window = torch.fft.irfft(spectrum, len(window))
    return window


def played(audio: Tensor, start: int, speed: float) -> Tensor:
    """A window ``(EXCERPT_SAMPLES,)`` from `start`, faster or slower around the same middle."""
    length = _GRID * round(EXCERPT_SAMPLES * speed / _GRID)
    earliest = start + (EXCERPT_SAMPLES - length) // 2
    window = cut(audio, min(max(0, earliest), max(0, len(audio) - length)), length)
    return window if length == EXCERPT_SAMPLES else _resampled(window, EXCERPT_SAMPLES)


def heard(window: Tensor, change: Change) -> Tensor:
    """What the student hears ``(EXCERPT_SAMPLES,)`` of a window of content."""
    length = min(CONTENT_SAMPLES, _GRID * round(EXCERPT_SAMPLES * change.heard_speed / _GRID))
    window = window[:length]
    if length != EXCERPT_SAMPLES:
        window = _resampled(window, EXCERPT_SAMPLES)
    if change.holes_db is not None:
        window = _with_holes(window, change.holes_db)
    if change.heard_eq_db is not None or change.band_limit_hz is not None:
        spectrum = torch.fft.rfft(window)
        if change.heard_eq_db is not None:
            spectrum = spectrum * _gains(change.heard_eq_db, len(window), window.device)
        if change.band_limit_hz is not None:
            spectrum[round(change.band_limit_hz * len(window) / SAMPLE_RATE) :] = 0
        window = torch.fft.irfft(spectrum, len(window))
    if change.noise_db is not None:
        noise = _noise(len(window), change.seed, window.device)
        window = window + noise * (_rms(window) * 10 ** (change.noise_db / 20))
    return window


def _rms(window: Tensor) -> Tensor:
    return torch.sqrt(torch.mean(window**2))


def _resampled(window: Tensor, samples: int) -> Tensor:
    """The window in another number of samples, its spectrum cut or filled up with zeros."""
    spectrum = torch.fft.rfft(window)[: samples // 2 + 1]
    resampled: Tensor = torch.fft.irfft(spectrum, samples) * (samples / len(window))
    return resampled


def _stretched(window: Tensor, rate: float) -> Tensor:
    """Tempo times `rate` at the same pitch: a phase vocoder with frames of 128 ms."""
    n_fft, hop = 2048, 512
    shape = torch.hann_window(n_fft, device=window.device)
    frames = torch.stft(window, n_fft, hop, window=shape, return_complex=True)
    at = torch.arange(0.0, frames.shape[1] - 1, rate, device=window.device)
    before, share = at.long(), at - at.floor()
    first, second = frames[:, before], frames[:, before + 1]
    size = (1 - share) * first.abs() + share * second.abs()
    turn = torch.arange(len(frames), device=window.device)[:, None] * (2 * np.pi * hop / n_fft)
    step = second.angle() - first.angle() - turn
    step = step - 2 * np.pi * torch.round(step / (2 * np.pi)) + turn
    phase = torch.cumsum(torch.cat([first[:, :1].angle(), step[:, :-1]], dim=1), dim=1)
    return torch.istft(torch.polar(size, phase), n_fft, hop, window=shape)


def _with_holes(window: Tensor, below_db: float) -> Tensor:
    """Without the partials that lie further below their frame's loudest neighbours."""
    n_fft, hop, around = 1024, 512, 33
    shape = torch.hann_window(n_fft, device=window.device)
    frames = torch.stft(window, n_fft, hop, window=shape, return_complex=True)
    size = frames.abs()
    loudest = torch.nn.functional.max_pool1d(size.T[None], around, 1, around // 2)[0].T
    kept = size >= loudest * 10 ** (-below_db / 20)
    return torch.istft(frames * kept, n_fft, hop, window=shape, length=len(window))


def _gains(eq_db: tuple[float, ...], samples: int, device: torch.device) -> Tensor:
    hz = np.maximum(np.fft.rfftfreq(samples, 1 / SAMPLE_RATE)[:: max(1, samples // 16384)], 1.0)
    db = np.interp(np.log2(hz), np.log2(_EQ_POINTS_HZ), eq_db)
    coarse = torch.from_numpy(10 ** (db / 20)).float().to(device)
    wanted = samples // 2 + 1
    return torch.nn.functional.interpolate(coarse[None, None], wanted, mode="linear")[0, 0]


def _noise(samples: int, seed: int, device: torch.device) -> Tensor:
    generator = torch.Generator(device).manual_seed(seed)
    return torch.randn(samples, generator=generator, device=device)


def _room(change: Change, device: torch.device) -> Tensor:
    """Impulse response: the direct sound, then noise that decays."""
    assert change.room is not None
    decay_s, level_db = change.room
    samples = round(decay_s * SAMPLE_RATE)
    time = torch.arange(samples, device=device) / samples
    tail = _noise(samples, change.seed + 1, device) * 10.0 ** (-3.0 * time)
    tail = tail * (10 ** (level_db / 20) / torch.sqrt(torch.sum(tail**2)))
    tail[0] = 1.0
    return tail
