"""From a performance to stereo samples: notes onto buses, reverb, compression, level, limiter."""

from collections.abc import Mapping

import numpy as np

from moodtheme.demo.instruments import VOICES, Instrument
from moodtheme.demo.modal import Samples, Values, seconds, shaped_noise
from moodtheme.demo.moods import Cues
from moodtheme.demo.performance import Performance, Sounding
from moodtheme.demo.score import Drum, Part
from moodtheme.demo.sounds import PAN, stroke, tone
from moodtheme.demo.styles import Style, stream

CEILING = 10 ** (-1.0 / 20)  # −1 dBFS, room for lossy encoders
_DRUM_TAKES = 3  # of each drum, so that no two strokes in a row are the same
_SEND: Mapping[Part, float] = {
    Part.LEAD: 0.30, Part.DOUBLING: 0.35, Part.CHORDS: 0.28, Part.PAD: 0.4, Part.BASS: 0.06,
}  # fmt: skip
_DRUM_SEND = 0.12
_REVERB_BLOCK = 1 << 17
_LIGHT = 0.02  # sound of less weight stays clean
_MOST_DRIVE = 1.4  # of the RMS, before the bend; more is a fuzz box
_STEP_S = 0.005  # frames of the compressor and the limiter


def mix(
    performance: Performance,
    cues: Cues,
    style: Style,
    *,
    seed: int,
    samples: int,
    sample_rate: int,
) -> Samples:
    """Render a performance, in a mood and an artist's room.

    Returns
    -------
    float32 (samples, 2)
        Peak at most −1 dBFS; RMS at the level of the cues unless the peaks forbid it.
    """
    step = int(_STEP_S * sample_rate)
    desk = _Desk(-(-samples // step) * step, sample_rate)
    _add_notes(desk, performance, seed=seed)
    _add_drums(desk, performance, style, seed=seed)
    amount = 1.3 - 0.7 * cues.percussion + 0.5 * cues.contrast  # bands dry, halls wet
    reverb_s = style.reverb_s * (1.3 - 0.5 * cues.density)
    desk.send *= np.float32(amount)
    _add_reverb(desk.dry, desk.send, _room(reverb_s, sample_rate, stream(seed, "room")))
    desk.dry -= desk.dry.mean(axis=1, keepdims=True)
    frames = desk.dry.reshape(2, -1, step)
    _compress(frames)
    if cues.weight > _LIGHT:
        _saturate(frames, _MOST_DRIVE * cues.weight)
    _set_level(frames, cues.level)
    audio = desk.dry[:, :samples]
    fade = min(samples, int(0.05 * sample_rate))
    audio[:, samples - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
    return np.ascontiguousarray(audio.T)


class _Desk:
    """The dry stereo bus and the mono send to the reverb."""

    def __init__(self, samples: int, sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self.dry = np.zeros((2, samples), dtype=np.float32)
        self.send = np.zeros(samples, dtype=np.float32)

    def lay(self, sound: Samples, *, start: float, pan: float, send: float) -> None:
        """Add a mono sound from a second on; what lies past the end is cut."""
        first = int(start * self.sample_rate)
        sound = sound[: max(0, len(self.send) - first)]
        here = slice(first, first + len(sound))
        angle = (pan + 1) * np.pi / 4  # equal power
        self.dry[0, here] += np.float32(np.cos(angle)) * sound
        self.dry[1, here] += np.float32(np.sin(angle)) * sound
        self.send[here] += np.float32(send) * sound


def _add_notes(desk: _Desk, performance: Performance, *, seed: int) -> None:
    """Synthesise each distinct tone once, at its greatest length, and lay it down where played."""
    sample_rate = desk.sample_rate
    shared: dict[tuple[Instrument, int, float], list[Sounding]] = {}
    for note in performance.notes:
        shared.setdefault((note.instrument, note.pitch, note.brightness), []).append(note)
    for (instrument, pitch, brightness), notes in sorted(shared.items()):
        release = int(VOICES[instrument].release * sample_rate)
        longest = int(max(note.length for note in notes) * sample_rate) + release
        sound = tone(
            instrument,
            notes[0].hertz,
            samples=longest,
            brightness=brightness,
            sample_rate=sample_rate,
            rng=stream(seed, f"{instrument} {pitch} {brightness}"),
        )
        letting_go = (0.5 + 0.5 * np.cos(np.pi * np.arange(release) / release)).astype(np.float32)
        for note in notes:
            held = int(note.length * sample_rate)
            played = sound[: held + release] * np.float32(note.gain)
            played[held:] *= letting_go[: len(played) - held]
            desk.lay(played, start=note.start, pan=note.pan, send=_SEND[note.part])


def _add_drums(desk: _Desk, performance: Performance, style: Style, *, seed: int) -> None:
    """Strike the drums, in turn from a few takes of each."""
    takes: dict[Drum, list[Samples]] = {}
    for drum in sorted({struck.drum for struck in performance.strokes}):
        rng = stream(seed, drum)
        takes[drum] = [
            stroke(drum, pitch=style.drum_pitch, sample_rate=desk.sample_rate, rng=rng)
            for _ in range(_DRUM_TAKES)
        ]
    for index, struck in enumerate(performance.strokes):
        sound = takes[struck.drum][index % _DRUM_TAKES] * np.float32(struck.gain)
        pan = style.width * PAN[struck.drum]
        desk.lay(sound, start=struck.start, pan=pan, send=_DRUM_SEND)


def _room(reverb_s: float, sample_rate: int, rng: np.random.Generator) -> Samples:
    """Impulse response of a room: decaying noise, dying sooner the higher the band.

    `reverb_s` is the reverberation time (−60 dB) of the middle band.

    Returns
    -------
    float32 (2, samples)
        Two channels of unit mean power gain from 200 to 2,500 Hz, 20 ms after the dry sound.
    """
    length = min(int(1.1 * reverb_s * sample_rate), int(0.9 * _REVERB_BLOCK))
    time = seconds(length, sample_rate)
    bands = ((150.0, 700.0, 1.1), (700.0, 2500.0, 1.0), (2500.0, 7000.0, 0.6))
    delay = int(0.02 * sample_rate)
    impulse = np.zeros((2, 1 << (delay + length - 1).bit_length()), dtype=np.float32)
    for channel in impulse:
        tail = channel[delay : delay + length]
        for low, high, share in bands:
            decay = 6.9 / (reverb_s * share)  # ln(1000), the 60 dB of the definition
            noise = shaped_noise(length, sample_rate, low, high, rng)
            tail += noise * np.exp(-decay * time).astype(np.float32)
        tail *= np.minimum(time / 0.01, 1).astype(np.float32)
    # More of a common middle than of sides, so that mono listeners lose little.
    middle, side = np.float32(0.8) * impulse[0], np.float32(0.6) * impulse[1]
    impulse = np.stack([middle + side, middle - side])
    gains = np.abs(np.fft.rfft(impulse, axis=1)) ** 2
    hertz = np.fft.rfftfreq(impulse.shape[1], 1 / sample_rate)
    melodic = (hertz > 200) & (hertz < 2500)
    impulse /= np.sqrt(gains[:, melodic].mean()).astype(np.float32)
    return impulse


def _add_reverb(dry: Samples, send: Samples, impulse: Samples) -> None:
    """Convolve by overlap-add, in blocks so that memory stays bounded."""
    size = 2 * _REVERB_BLOCK
    step = size - impulse.shape[1] + 1
    response = np.fft.rfft(impulse, size, axis=1)
    for first in range(0, len(send), step):
        spectrum = np.fft.rfft(send[first : first + step], size)
        tail = np.fft.irfft(spectrum * response, size, axis=1)
        end = min(first + size, len(send))
        dry[:, first:end] += tail[:, : end - first].astype(np.float32)


def _apply(frames: Samples, gains: Values) -> None:
    """Multiply by a gain given at the frames' borders, straight lines between."""
    nodes = gains.astype(np.float32)
    ramp = np.arange(frames.shape[2], dtype=np.float32) / np.float32(frames.shape[2])
    frames *= nodes[:-1, None] + np.diff(nodes)[:, None] * ramp


def _compress(frames: Samples) -> None:
    """Take 2:1 off what stands above the piece's own average, slowly enough not to pump."""
    power = np.einsum("cfs,cfs->f", frames, frames).astype(np.float64) / frames[:, 0].size
    level = 10 * np.log10(power + 1e-18)
    threshold = 10 * np.log10(power.mean() + 1e-18) + 2.0
    wanted = -0.5 * np.maximum(level - threshold, 0)
    attack, release = np.exp(-_STEP_S / 0.02), np.exp(-_STEP_S / 0.2)
    reduction = np.empty(len(wanted) + 1)
    state = 0.0
    for index, want in enumerate(wanted.tolist()):
        keep = attack if want < state else release
        state = keep * state + (1 - keep) * want
        reduction[index] = state
    reduction[-1] = state
    _apply(frames, 10 ** (reduction / 20))


def _bring_to(frames: Samples, rms: float) -> None:
    """Bring the RMS to a value; silence stays."""
    now = float(np.sqrt(np.einsum("cfs,cfs->", frames, frames, dtype=np.float64) / frames.size))
    if now > 0:
        frames *= np.float32(rms / now)


def _saturate(frames: Samples, drive: float) -> None:
    """Bend the loud parts as tape and valves do, which thickens the spectrum."""
    _bring_to(frames, drive)
    np.tanh(frames, out=frames)


def _set_level(frames: Samples, level_db: float) -> None:
    """Bring the RMS to a level, then hold the peaks under the ceiling."""
    _bring_to(frames, 10 ** (level_db / 20))
    peaks = np.maximum(frames.max(axis=(0, 2)), -frames.min(axis=(0, 2))).astype(np.float64)
    needed = np.minimum(1.0, CEILING / np.maximum(peaks, 1e-9))
    # A border must satisfy the frames on both its sides; the wider minimum and the mean that
    # follows open the gain gradually, and never past what a frame needs.
    padded = np.concatenate([[1.0] * 5, needed, [1.0] * 5])
    wide = np.lib.stride_tricks.sliding_window_view(padded, 6).min(axis=1)
    _apply(frames, np.lib.stride_tricks.sliding_window_view(wide, 5).mean(axis=1))
