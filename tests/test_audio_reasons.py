"""Sound that is not what it seems: what is heard instead, and what is said."""

import warnings
from pathlib import Path

import numpy as np
import pytest

from audio_files import chirp, write, write_pyav, write_soundfile
from moodtheme.audio import mono_of_array, open_audio, read_audio, to_mono, varies
from moodtheme.errors import NotAudioError

RATE = 44_100
SOUND = chirp(3.0, RATE)
ONE = SOUND[:, 0]
OPPOSITE = {
    "inverted": np.stack([ONE, -ONE], axis=1),
    "inverted and a little quieter": np.stack([ONE, -0.995 * ONE], axis=1),
    "surround": np.stack([ONE, -ONE, 0 * ONE, 0 * ONE, 0.5 * ONE, -0.5 * ONE], axis=1),
}


@pytest.mark.parametrize("name", OPPOSITE)
@pytest.mark.parametrize("form", ["array", ".wav", ".flac", ".mka"])
def test_channels_that_cancel_out_are_heard_from_the_louder(
    tmp_path: Path, name: str, form: str
) -> None:
    sound = OPPOSITE[name]
    if form == "array":
        mono = to_mono(sound)
    else:
        path = tmp_path / f"song{form}"
        if form == ".mka":
            write_pyav(path, sound, RATE, "flac", "s16")
        else:
            write_soundfile(path, sound, RATE, subtype="PCM_16")
        audio = read_audio(path)
        mono = audio.samples
        (said,) = audio.warnings
        assert "cancel out" in said
    np.testing.assert_allclose(mono, ONE, atol=2e-4)


@pytest.mark.parametrize(
    "sound",
    [
        SOUND,
        np.stack([ONE, np.roll(-ONE, 30)], axis=1),
        np.stack([ONE, -0.9 * ONE], axis=1),
        np.stack([ONE, 0 * ONE], axis=1),
        1e-6 * np.stack([ONE, -ONE], axis=1),
        np.zeros((RATE, 2), np.float32),
        np.stack([ONE] + [0 * ONE] * 200, axis=1),
    ],
)
def test_other_channels_have_their_plain_mean(sound: np.ndarray) -> None:
    expected = sound[:, 0].copy()
    for channel in range(1, sound.shape[1]):
        expected += sound[:, channel]
    np.testing.assert_array_equal(to_mono(sound), expected * np.float32(1 / sound.shape[1]))


def test_the_same_channel_is_kept_from_block_to_block(tmp_path: Path) -> None:
    gains = np.repeat([1.0, 0.999, 1.001], RATE)[:, None].astype(np.float32)
    sound = np.concatenate([ONE[:, None], -gains * ONE[:, None]], axis=1)
    path = write_soundfile(tmp_path / "song.wav", sound, RATE, subtype="FLOAT")
    mono = read_audio(path).samples
    assert min(np.abs(mono - sound[:, 0]).max(), np.abs(mono - sound[:, 1]).max()) < 1e-6


@pytest.mark.parametrize("exponent", [4, 9, 20, 30])
@pytest.mark.parametrize("container", ["WAV", "AIFF", "array"])
def test_samples_beyond_any_scale_are_brought_down_without_a_warning_of_numpy(
    tmp_path: Path, exponent: int, container: str
) -> None:
    huge = SOUND.astype(np.float64) * 10.0**exponent
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        if container == "array":
            mono = to_mono(huge)
        else:
            path = write_soundfile(
                tmp_path / "a.x", huge, RATE, subtype="DOUBLE", container=container
            )
            audio = read_audio(path, sample_rate=16_000)
            assert "far beyond" in audio.warnings[0]
            mono = audio.samples
    assert 0.2 < np.abs(mono).max() <= 2


@pytest.mark.parametrize("loud", [1.0, 4.0, 900.0])
def test_loud_samples_keep_their_level(tmp_path: Path, loud: float) -> None:
    path = write_soundfile(tmp_path / "a.wav", SOUND * loud, RATE, subtype="FLOAT")
    np.testing.assert_array_equal(read_audio(path).samples, to_mono(SOUND * np.float32(loud)))
    assert read_audio(path).warnings == ()


@pytest.mark.parametrize("absurd", [1e12, -1e20, 3e38])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_few_absurd_samples_do_not_set_the_scale_of_the_others(
    tmp_path: Path, absurd: float, channels: int
) -> None:
    sound = SOUND[:, :channels].copy()
    sound[1_000:1_005] = absurd
    path = write_soundfile(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    mono, notes = mono_of_array(sound)
    expected = to_mono(SOUND[:, :channels].copy())
    expected[1_000:1_005] = 0
    np.testing.assert_array_equal(mono, expected)
    np.testing.assert_array_equal(read_audio(path).samples, expected)
    said = "5 samples are not finite or absurdly large; taken as silence"
    assert read_audio(path).warnings == notes == (said,)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_no_number_is_silence_in_arrays_as_in_files(
    tmp_path: Path, bad: float, channels: int
) -> None:
    sound = SOUND[:, :channels].copy()
    sound[1_000:1_005] = bad
    path = write_soundfile(tmp_path / "a.wav", sound, RATE, subtype="FLOAT")
    mono = to_mono(sound if channels > 1 else sound[:, 0])
    np.testing.assert_array_equal(mono, read_audio(path).samples)
    assert np.all(mono[1_000:1_005] == 0)
    assert np.isfinite(mono).all()


@pytest.mark.parametrize("channels", [1, 2, 6])
def test_channels_first_is_told(channels: int) -> None:
    with pytest.raises(ValueError, match=r"audio\.T"):
        to_mono(np.zeros((channels, RATE), np.float32))


OFFSETS = [0.0, 0.1, -0.5, 1.0, 0.001]


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mka"])
@pytest.mark.parametrize("offset", OFFSETS)
def test_a_constant_does_not_vary(tmp_path: Path, suffix: str, offset: float) -> None:
    sound = np.full((2 * RATE, 2), offset, np.float32)
    path = tmp_path / f"a{suffix}"
    if suffix == ".mka":
        write_pyav(path, sound, RATE, "flac", "s16")
    else:
        write_soundfile(path, sound, RATE, subtype="PCM_16")
    with open_audio(path, sample_rate=16_000) as stream:
        for _ in stream:
            pass
    assert not stream.varies
    assert not varies(to_mono(sound))


def test_a_single_click_and_a_quiet_song_vary() -> None:
    click = np.full(RATE, 0.3, np.float32)
    click[777] = 0.5
    assert varies(click)
    assert varies(ONE * np.float32(0.001))
    assert not varies(ONE * np.float32(0.0001))


@pytest.mark.parametrize("tag", [b"enca", b"drms"])
def test_encrypted_audio_is_called_encrypted(tmp_path: Path, tag: bytes) -> None:
    path = write(tmp_path / "a.m4a", SOUND, RATE)
    content = path.read_bytes()
    at = content.index(b"mp4a", content.index(b"stsd"))
    path.write_bytes(content[:at] + tag + content[at + 4 :])
    with pytest.raises(NotAudioError, match="encrypted"):
        read_audio(path)
