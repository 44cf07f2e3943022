"""The model inside the package: small, deaf to loudness, the same answer every time, described."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from moodtheme import Tagger
from moodtheme.demo import Mood, compose_and_render
from moodtheme.errors import BundleError
from moodtheme.features.mel import mel_filters
from moodtheme.models.moodtheme_small import (
    EXCERPT_SAMPLES,
    F_MAX,
    F_MIN,
    FRAMES,
    HOP,
    N_FFT,
    N_MELS,
    SAMPLE_RATE,
    Small,
    SmallFrontEnd,
    SmallNetwork,
)
from moodtheme.scores.vocabulary import MOOD_THEME_TAGS
from moodtheme.tagging.batch import tag_files
from moodtheme.tagging.bundle import CONFORMANCE, ExcerptPolicy
from moodtheme.tagging.bundle_files import read_manifest
from moodtheme.tagging.conformance import Sound, check_conformance, make_window
from moodtheme.tagging.models import bundle_bytes, embedded_folder, verify_model
from moodtheme.tagging.session import MemberSession

FOLDER = embedded_folder() / "moodtheme-small"
CARD = Path(__file__).parents[1] / "docs" / "model-card.md"


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """Forty seconds of stereo music at 16 kHz."""
    return compose_and_render(Mood.HAPPY, seed=3, duration_s=40.0, sample_rate=SAMPLE_RATE)


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    return Tagger.load()


def test_it_is_whole_small_and_hears_the_whole_track() -> None:
    bundle = verify_model(FOLDER)
    assert bundle_bytes(FOLDER) <= 12_000_000
    assert bundle.tags == MOOD_THEME_TAGS
    assert [m.policy for m in bundle.members] == [ExcerptPolicy.COVER]
    assert "not by people" in bundle.training_data
    assert b".py" not in (FOLDER / bundle.members[0].file).read_bytes()
    assert "CC BY-NC-SA 4.0" in bundle.licence


def test_its_conformance_file_tells_a_right_runtime_from_a_wrong_one(tmp_path: Path) -> None:
    for file in FOLDER.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    bundle = read_manifest(tmp_path)
    sessions = [MemberSession(tmp_path, bundle, member) for member in bundle.members]
    assert check_conformance(tmp_path, bundle, sessions) == 4
    kept = (tmp_path / CONFORMANCE).read_text("utf-8")
    expected = json.loads(kept)
    scores = expected["cases"][2]["outputs"]["scores"]
    assert np.ptp(scores) > 100 * expected["tolerance"]  # all alike would tell nothing
    scores[5] += 0.01
    (tmp_path / CONFORMANCE).write_text(json.dumps(expected), "utf-8")
    with pytest.raises(BundleError, match=r"quiet beats over a hum scores differ by 0\.01"):
        verify_model(tmp_path)
    (tmp_path / CONFORMANCE).write_text(kept.replace(bundle.digest, "0" * 64), "utf-8")
    with pytest.raises(BundleError, match="of another bundle"):
        verify_model(tmp_path)


def test_the_formulas_of_conformance_are_those_it_states() -> None:
    """Sample by sample, as another runtime would compute them."""
    sounds = (
        Sound(amplitude=0.5, hertz=100.0, period=7, on=3),
        Sound(amplitude=0.25, seed=4_000_000_000),
    )
    window = make_window(sounds, samples=50, sample_rate=8_000)
    drawn = 4_000_000_000
    for n in range(50):
        tone = 0.5 * math.sin(2 * math.pi * 100 * n / 8_000) if n % 7 < 3 else 0.0
        assert window[n] == pytest.approx(tone + 0.25 * (drawn / 2**31 - 1), abs=1e-7)
        drawn = (1_664_525 * drawn + 1_013_904_223) % 2**32


def test_the_card_gives_the_measured_figures() -> None:
    bundle, card = read_manifest(FOLDER), CARD.read_text("utf-8")
    assert len(bundle.quality) == 3
    for measured in bundle.quality:
        (row,) = re.findall(rf"^\| `{measured.measure}` \|(.*)\|$", card, re.M)
        assert f"{measured.value:.3f}" in row
        if measured.interval is not None:
            low, high = measured.interval
            assert f"[{low:.3f}, {high:.3f}]" in row
    for tag in bundle.tags:
        assert re.search(rf"\b{tag}\b", card), f"the card has no figure for {tag}"


def test_loudness_does_not_decide_the_mood(tagger: Tagger, music: np.ndarray) -> None:
    level = np.sqrt(np.mean(music**2))
    scores = [
        tagger.score(music * np.float32(10 ** (wanted / 20) / level), SAMPLE_RATE)
        for wanted in (-50, -30, -20, -10)
    ]
    for other in scores[1:]:
        np.testing.assert_allclose(other, scores[0], atol=1e-4)


def test_different_music_gets_different_scores(tagger: Tagger, music: np.ndarray) -> None:
    other = compose_and_render(Mood.MEDITATIVE, seed=3, duration_s=40.0, sample_rate=SAMPLE_RATE)
    difference = tagger.score(music, SAMPLE_RATE) - tagger.score(other, SAMPLE_RATE)
    assert np.abs(difference).max() > 0.02


def test_scores_are_bit_identical_across_runs_jobs_and_batch_sizes(
    music: np.ndarray, tmp_path: Path
) -> None:
    paths = []
    for i in range(4):
        paths.append(tmp_path / f"{i}.flac")
        soundfile.write(paths[-1], np.tile(music, (1 + i, 1))[1000 * i :], SAMPLE_RATE)
    runs = [
        [r.tags for r in tag_files(Tagger.load(batch_size=batch), paths, jobs=jobs)]
        for jobs, batch in ((1, 1), (1, 1), (2, 1), (3, 3), (1, 16))
    ]
    assert all(len(tags) == 56 for tags in runs[0])
    assert all(run == runs[0] for run in runs)


def test_the_front_end_is_finite_and_level_invariant() -> None:
    front_end = SmallFrontEnd()
    noise = torch.randn(1, EXCERPT_SAMPLES, generator=torch.Generator().manual_seed(0))
    quiet, loud = front_end(noise * 1e-3), front_end(noise * 10)
    assert quiet.shape == (1, N_MELS, FRAMES)
    torch.testing.assert_close(quiet, loud, atol=1e-3, rtol=0)
    assert torch.isfinite(front_end(torch.zeros(1, EXCERPT_SAMPLES))).all()


def test_the_front_end_is_a_mel_spectrogram() -> None:
    audio = torch.randn(1, EXCERPT_SAMPLES, generator=torch.Generator().manual_seed(0))
    audio = audio / audio.square().mean().sqrt()
    frames = audio[0].unfold(0, N_FFT, HOP)[:FRAMES].double()
    window = torch.hann_window(N_FFT, dtype=torch.float64)
    power = torch.fft.rfft(frames * window).abs().square().numpy()
    filters = mel_filters(
        sample_rate=SAMPLE_RATE, n_fft=N_FFT, n_mels=N_MELS, f_min=F_MIN, f_max=F_MAX
    )
    wanted = 10 * np.log10(np.maximum(power @ filters.T, 1e-7)).T
    np.testing.assert_allclose(SmallFrontEnd()(audio)[0].numpy(), wanted, atol=2e-3)


def test_the_exported_graph_is_the_network(tmp_path: Path) -> None:
    import onnxruntime

    from moodtheme.exporting.graph import export_graph

    torch.manual_seed(0)
    model = Small(SmallNetwork(), n_tags=5, n_dimensions=2).eval()
    names = ("scores", "dimensions", "embedding")
    export_graph(model, tmp_path / "g.onnx", samples=EXCERPT_SAMPLES, outputs=names)
    assert [p.name for p in tmp_path.iterdir()] == ["g.onnx"]
    # Where it was made, the exporter's notes included, is nobody's business.
    assert b".py" not in (tmp_path / "g.onnx").read_bytes()
    session = onnxruntime.InferenceSession(tmp_path / "g.onnx")
    audio = 0.1 * torch.randn(3, EXCERPT_SAMPLES)
    with torch.no_grad():
        expected = model(audio)
    for said, wanted in zip(session.run(None, {"audio": audio.numpy()}), expected, strict=True):
        np.testing.assert_allclose(said, wanted.numpy(), atol=1e-4)
