"""Spectrogram plots against drawn ones, Pillow and the reference pictures."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from drawn_plots import draw, picture, spectrogram_db
from moodtheme.errors import PlotError
from moodtheme.features import mel_plot, mel_plots
from moodtheme.features.colour_maps import colour_map
from moodtheme.features.plot_layout import bicubic_weights, nearest_pixels

GOLDENS = Path(__file__).parents[2] / "shared" / "deepspectrum" / "goldens.npz"
SPECTRUM = ("n_mels", "scale", "window", "hop", "f_max", "delta")
AXES = ("colour_map", "scale", "hop", "f_max")
IMAGE = ("size", "resize")


def chords(sample_rate: int, seconds: float, seed: int = 0) -> npt.NDArray[np.float32]:
    """Decaying partials over a little noise."""
    rng = np.random.default_rng(seed)
    time_s = np.arange(round(sample_rate * seconds)) / sample_rate
    sound = 0.003 * rng.normal(size=len(time_s))
    for pitch, onset in zip(rng.uniform(80, 800, 5), rng.uniform(0, seconds, 5), strict=True):
        decay = np.exp(-3 * ((time_s - onset) % seconds))
        for k in range(1, 9):
            sound += 0.1 / k * decay * np.sin(2 * np.pi * pitch * k * time_s)
    return sound.astype(np.float32)


def drawn(audio: npt.NDArray[np.float32], sample_rate: int, n_fft: int, **options: Any) -> Any:
    def only(names: tuple[str, ...]) -> dict[str, Any]:
        return {name: options[name] for name in names if name in options}

    level = spectrogram_db(audio, sample_rate, n_fft=n_fft, **only(SPECTRUM))
    return picture(draw(level, sample_rate, n_fft=n_fft, **only(AXES)), **only(IMAGE))


@pytest.mark.shared
@pytest.mark.skipif(not GOLDENS.exists(), reason="../shared/deepspectrum is absent")
@pytest.mark.parametrize("clip", ["chirp", "piano"])
@pytest.mark.parametrize(("name", "start_s", "end_s"), [("1s", 2, 3), ("5s", 0, 5)])
@pytest.mark.parametrize(("size", "key"), [(227, "plot227"), (224, "plot")])
def test_the_reference_pictures(
    clip: str, name: str, start_s: int, end_s: int, size: int, key: str
) -> None:
    with np.load(GOLDENS, allow_pickle=False) as goldens:
        audio, theirs = goldens[f"{clip}/audio"], goldens[f"{clip}/{key}_{name}"]
    ours = mel_plot(audio, 44_100, start_s=start_s, end_s=end_s, size=size)
    difference = np.abs(ours.astype(int) - theirs)
    # The goal is 0.1; what is left are values that lie between two colours.
    assert difference.mean() <= 0.001
    assert (difference > 0).any(axis=2).mean() <= 0.001


@pytest.mark.parametrize(
    ("sample_rate", "seconds", "n_fft", "options"),
    [
        (44_100, 1.0, 2048, {}),
        (44_100, 5.0, 2048, {}),
        (22_050, 1.0, 1024, {"resize": "nearest"}),
        (16_000, 1.0, 512, {"size": 96}),
        (8_000, 2.3, 256, {"size": 299}),
        (48_000, 1.0, 2048, {"n_mels": 64, "colour_map": "viridis"}),
        (44_100, 1.0, 2048, {"n_mels": 256, "colour_map": "gray_r", "size": 227}),
        (44_100, 1.0, 2048, {"n_mels": 40, "colour_map": "tab20"}),
        (44_100, 1.0, 2048, {"scale": "linear", "colour_map": "twilight"}),
        (44_100, 1.0, 2048, {"scale": "linear", "f_max": 8_000.0}),
        (44_100, 1.0, 2048, {"f_max": 8_000.0}),
        (44_100, 1.0, 2048, {"delta": 1}),
        (44_100, 1.0, 2048, {"delta": 2, "scale": "linear"}),
        (44_100, 1.0, 4096, {"hop": 512, "window": "hamming"}),
        (44_100, 1.0, 1000, {"window": "blackman"}),
        (44_100, 1.0, 2048, {"window": "bartlett", "resize": "nearest"}),
        (44_100, 1.0, 2048, {"window": "rectangular"}),
    ],
)
def test_plots_are_what_matplotlib_draws(
    sample_rate: int, seconds: float, n_fft: int, options: dict[str, Any]
) -> None:
    rng = np.random.default_rng(1)
    noise = (0.1 * rng.normal(size=round(sample_rate * seconds))).astype(np.float32)
    for audio in (chords(sample_rate, seconds), noise):
        theirs = drawn(audio, sample_rate, n_fft, **options).astype(int)
        ours = mel_plot(audio, sample_rate, n_fft=n_fft, **options)
        difference = np.abs(ours - theirs)
        assert difference.mean() <= 0.01
        assert (difference > 0).any(axis=2).mean() <= 0.015


def test_a_frame_is_the_next_power_of_two_of_25_ms() -> None:
    for sample_rate, n_fft in ((44_100, 2048), (16_000, 512), (8_000, 256)):
        audio = chords(sample_rate, 1.0)
        np.testing.assert_array_equal(
            mel_plot(audio, sample_rate), mel_plot(audio, sample_rate, n_fft=n_fft)
        )


@given(size=st.integers(1, 600))
def test_resizing_is_pillows(size: int) -> None:
    rng = np.random.default_rng(size)
    row = rng.integers(0, 256, size=227, dtype=np.uint8)
    image = Image.fromarray(row[None])
    bicubic = np.asarray(image.resize((size, 1), Image.Resampling.BICUBIC))[0]
    exact = bicubic_weights(227, size) @ row
    assert np.abs(np.clip(exact, 0, 255) - bicubic).max() <= 0.5 + 1e-3
    nearest = np.asarray(image.resize((size, 1), Image.Resampling.NEAREST))[0]
    np.testing.assert_array_equal(row[nearest_pixels(227, size)], nearest)


@pytest.mark.parametrize("resize", ["bicubic", "nearest"])
@pytest.mark.parametrize("scale", ["mel", "linear"])
def test_silence_has_the_lowest_colour(resize: str, scale: str) -> None:
    plots = mel_plots(np.zeros((2, 44_100)), 44_100, resize=resize, scale=scale)
    assert (plots == colour_map("magma")[0]).all()


def test_windows_do_not_influence_each_other() -> None:
    audio = chords(16_000, 4.0)
    windows = audio.reshape(4, 16_000)
    plots = mel_plots(windows, 16_000)
    assert plots.shape == (4, 224, 224, 3)
    for window, plot in zip(windows, plots, strict=True):
        np.testing.assert_array_equal(mel_plot(window, 16_000), plot)


def test_windows_may_overlap_and_be_absent() -> None:
    audio = chords(16_000, 2.0)
    windows = np.lib.stride_tricks.sliding_window_view(audio, 16_000)[::8_000]
    np.testing.assert_array_equal(
        mel_plots(windows, 16_000)[1], mel_plot(audio, 16_000, start_s=0.5, end_s=1.5)
    )
    assert mel_plots(windows[:0], 16_000).shape == (0, 224, 224, 3)


def test_channels_are_averaged_and_the_input_left_alone() -> None:
    left, right = chords(16_000, 1.0), chords(16_000, 1.0, seed=1)
    stereo = np.stack([left, right], axis=1)
    before = stereo.copy()
    plot = mel_plot(stereo, 16_000)
    np.testing.assert_array_equal(plot, mel_plot((left + right) / 2, 16_000))
    np.testing.assert_array_equal(stereo, before)


@settings(max_examples=20)
@given(decibel=st.floats(-10, 30))
def test_loudness_does_not_matter(decibel: float) -> None:
    audio = chords(16_000, 1.0)
    louder = audio * np.float32(10 ** (decibel / 20))
    difference = np.abs(mel_plot(louder, 16_000).astype(int) - mel_plot(audio, 16_000))
    assert difference.mean() <= 0.01


def test_high_notes_are_above_low_ones() -> None:
    time_s = np.arange(44_100) / 44_100
    rows = []
    for pitch in (200.0, 1_000.0, 5_000.0):
        plot = mel_plot(np.sin(2 * np.pi * pitch * time_s), 44_100)
        rows.append(int(plot.sum(axis=(1, 2), dtype=int).argmax()))
    assert rows[0] > rows[1] > rows[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"colour_map": "magna"}, "magma"),
        ({"resize": "lanczos"}, "bicubic, nearest"),
        ({"window": "hanning"}, "hann"),
        ({"scale": "bark"}, "mel, linear"),
        ({"n_mels": 0}, "n_mels must be at least 1"),
        ({"size": 0}, "size must be at least 1"),
        ({"n_fft": 511}, "use 512"),
        ({"hop": 0}, "hop_length must be at least 1"),
        ({"f_max": 9_000}, "8000 Hz"),
        ({"f_max": 20}, "raise f_max or n_fft"),
        ({"delta": -1}, "from 0 to 8"),
        ({"n_fft": 32_768}, "smaller n_fft"),
        ({"delta": 1, "n_fft": 8_192}, "smaller hop"),
        ({"start_s": 0.5, "end_s": 0.2}, "end_s must be above start_s"),
        ({"start_s": 2.0}, "longer windows"),
    ],
)
def test_what_cannot_be_drawn_is_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(PlotError, match=message):
        mel_plot(chords(16_000, 1.0), 16_000, **options)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_not_finite_are_refused(value: float) -> None:
    audio = chords(16_000, 1.0)
    audio[5_000] = value
    with pytest.raises(PlotError, match="not finite"):
        mel_plot(audio, 16_000)


def test_shapes_are_checked() -> None:
    with pytest.raises(PlotError, match="channels"):
        mel_plot(np.zeros((2, 2, 2)), 16_000)
    with pytest.raises(PlotError, match=r"\(n, samples\)"):
        mel_plots(np.zeros(16_000), 16_000)
