"""The MediaEval baseline against scores and spectrograms computed with the original tools."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from moodtheme import Tagger
from moodtheme.errors import BundleError
from moodtheme.exporting.conversion import get_model
from moodtheme.models.mediaeval_baseline import Baseline, BaselineFrontEnd, BaselineNetwork
from moodtheme.tagging.models import verify_model
from moodtheme.tagging.session import MemberSession

SHARED = Path(__file__).parents[2] / "shared" / "mtg-baseline"
needs_shared = pytest.mark.skipif(
    not SHARED.is_dir(), reason="../shared/mtg-baseline is absent: the baseline is not checked"
)
CLIPS = ("piano", "race", "race_loud")


@pytest.fixture(scope="module")
def goldens() -> Iterator[dict[str, np.ndarray]]:
    with np.load(SHARED / "goldens.npz") as archive:
        yield dict(archive)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MOODTHEME_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield get_model("mtg-baseline", from_file=SHARED / "best_model.pth", offline=True)


def test_the_network_has_the_published_layers() -> None:
    shapes = {key: tuple(value.shape) for key, value in BaselineNetwork().state_dict().items()}
    convolutions = [shapes[f"conv_{i}.weight"] for i in range(1, 6)]
    assert [shape[0] for shape in convolutions] == [64, 128, 128, 128, 64]
    assert all(shape[2:] == (3, 3) for shape in convolutions)
    assert shapes["dense.weight"] == (56, 64)
    assert shapes["bn_init.weight"] == (1,)


def test_silence_and_full_scale_stay_finite() -> None:
    model = Baseline().eval()
    with torch.no_grad():
        for audio in (torch.zeros(1, 349_200), torch.ones(1, 349_200)):
            assert torch.isfinite(model.front_end(audio)).all()
            assert torch.isfinite(model(audio)).all()
        assert model.front_end(torch.zeros(1, 349_200)).unique().tolist() == [-200.0]


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize("clip", CLIPS)
def test_the_spectrogram_is_essentias(goldens: dict[str, np.ndarray], clip: str) -> None:
    audio = torch.from_numpy(goldens[f"{clip}/audio_12k"])[None]
    ours = BaselineFrontEnd()(audio)[0].numpy()
    theirs = goldens[f"{clip}/mel_db"]
    assert ours.shape == theirs.shape == (96, 1366)
    audible = theirs > -150
    assert audible.mean() > 0.9
    np.testing.assert_allclose(ours[audible], theirs[audible], atol=0.05, rtol=0)


@pytest.mark.shared
@needs_shared
@pytest.mark.parametrize("clip", CLIPS)
def test_the_bundles_scores_are_the_checkpoints(
    bundle: Path, goldens: dict[str, np.ndarray], clip: str
) -> None:
    manifest = verify_model(bundle)
    session = MemberSession(bundle, manifest, manifest.members[0])
    audio = goldens[f"{clip}/audio_12k"]
    theirs = goldens[f"{clip}/scores"]
    np.testing.assert_allclose(session.hear(audio[None]).scores[0, 0], theirs, atol=1e-3)
    tagger = Tagger.load(bundle)
    np.testing.assert_allclose(tagger.score(audio, 12_000), theirs, atol=1e-3)


@pytest.mark.shared
@needs_shared
def test_batches_give_bit_identical_scores(bundle: Path, goldens: dict[str, np.ndarray]) -> None:
    manifest = verify_model(bundle)
    session = MemberSession(bundle, manifest, manifest.members[0])
    windows = np.stack([goldens[f"{clip}/audio_12k"] for clip in CLIPS])
    one_by_one = np.concatenate([session.hear(window[None]).scores for window in windows])
    np.testing.assert_array_equal(session.hear(windows).scores, one_by_one)


def test_a_checkpoint_of_other_shape_is_refused(tmp_path: Path) -> None:
    from moodtheme.exporting.conversion import convert_mediaeval_baseline

    torch.save(BaselineNetwork(n_tags=3).state_dict(), tmp_path / "other.pth")
    with pytest.raises(BundleError, match="does not hold the baseline's layers"):
        convert_mediaeval_baseline(tmp_path / "other.pth", tmp_path / "bundle")
    assert not (tmp_path / "bundle").exists()
