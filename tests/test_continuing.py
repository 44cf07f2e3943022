"""A trained student goes on: alike for transposed pieces, and with teachers it had not."""

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from moodtheme.distillation.aims import Itself, Reading, teachers_shares
from moodtheme.distillation.augment import played
from moodtheme.distillation.continuing import Continuation, continue_student
from moodtheme.distillation.fit import Student, load_student
from moodtheme.distillation.plan import MusicTrack, Part, PlannedTrack
from moodtheme.distillation.teachers import BASELINE, Teachers, columns_of, label_columns
from moodtheme.errors import DatasetError
from moodtheme.models.mediaeval_baseline import BaselineNetwork
from moodtheme.models.moodtheme_small import SAMPLE_RATE, SmallFrontEnd
from moodtheme.models.taggers import Crnn
from program import Program


@pytest.fixture
def teachers(tmp_path: Path) -> Teachers:
    """A baseline and a tagger with random weights."""
    torch.manual_seed(3)
    files = {BASELINE: tmp_path / "baseline.pth", "mtat-crnn": tmp_path / "crnn.pth"}
    torch.save(BaselineNetwork().state_dict(), files[BASELINE])
    torch.save(Crnn().state_dict(), files["mtat-crnn"])
    return Teachers(files)


@pytest.fixture
def planned(tmp_path: Path) -> list[PlannedTrack]:
    """Four chords that throb."""
    time = np.arange(40 * SAMPLE_RATE) / SAMPLE_RATE
    tracks = []
    for number, hertz in enumerate((220.0, 311.0, 440.0, 587.0)):
        path = tmp_path / f"{number}.wav"
        chord = sum(0.1 * np.sin(2 * np.pi * hertz * harmonic * time) for harmonic in (1, 2, 3))
        soundfile.write(path, chord * (1 + np.sin(2 * np.pi * (number + 1) * time)), SAMPLE_RATE)
        tracks.append(PlannedTrack(MusicTrack(path, str(number), 40.0), Part.TRAIN, number, 1))
    return tracks


def embeddings(student: Student, tracks: list[PlannedTrack]) -> torch.Tensor:
    """Of each piece as it is and a semitone up, ``(tracks, 2, 512)``."""
    front_end, rows = SmallFrontEnd(), []
    for planned in tracks:
        audio = torch.from_numpy(soundfile.read(planned.track.path, dtype="float32")[0])
        two = torch.stack([played(audio, 0, speed) for speed in (1.0, 2 ** (1 / 12))])
        with torch.no_grad():
            rows.append(student.network(front_end(two)))
    return torch.stack(rows)


@pytest.mark.slow
def test_a_student_that_goes_on_says_more_nearly_the_same_of_transposed_pieces(
    planned: list[PlannedTrack], teachers: Teachers, tmp_path: Path
) -> None:
    torch.manual_seed(0)
    student = Student(label_columns(["mtat-crnn"])).eval()
    before = {name: value.clone() for name, value in student.state_dict().items()}

    def apart() -> float:
        heard = embeddings(student, planned)
        return float((heard[:, 0] - heard[:, 1]).square().mean() / heard[:, 0].var(dim=0).mean())

    first = apart()
    settings = Continuation(steps=60, windows=4, seed=1)
    continue_student(student, teachers, planned, tmp_path / "run", settings)
    assert np.nextafter(0.0, 1.0) * np.float64(1) > 0  # the processor is as it was
    assert apart() < 0.7 * first
    after = student.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}
    assert "network.embed.0.weight" in changed
    assert not [
        name for name in changed if re.match(r"network\.(normalise|convolutions\.[0-3])", name)
    ]
    continued = load_student(tmp_path / "run" / "continued.pt")
    assert continued.columns == student.columns

    again = Student(student.columns).eval()
    again.load_state_dict(before)
    lines: list[str] = []
    continue_student(again, teachers, planned, tmp_path / "run", settings, report=lines.append)
    assert not lines  # what was made is taken
    for name, value in again.state_dict().items():
        assert torch.equal(value, after[name])


def test_a_reading_moves_what_it_reads() -> None:
    generator = torch.Generator().manual_seed(0)
    embeddings = torch.randn(60, 512, generator=generator)
    known = torch.randn(60, 3, generator=generator)
    known[:, 2] = 7.0  # which all have, and tells nothing
    reading = Reading(embeddings, known, torch.tensor([0.5, 0.25, 0.25]))
    rows = list(range(60))
    pairs = embeddings[:, None].repeat(1, 2, 1).requires_grad_()
    first = reading.loss(pairs, rows)
    assert 0.01 < first < 0.5  # a ridge regression, where reading nothing gives 0.75
    first.backward()
    assert pairs.grad is not None
    second = reading.loss(pairs - 1000 * pairs.grad, rows)
    assert second < 0.5 * first
    assert reading.loss(pairs, rows[::-1]) > 2 * first  # another window's answers


def test_each_teacher_counts_the_same() -> None:
    columns = columns_of(["mtat-crnn", "musicnn-mtt"])
    shares = teachers_shares(columns)
    for parts, share in ((columns.logits, 1 / 3), (columns.hidden, 1 / 6)):
        for part in parts.values():
            assert float(shares[part].sum()) == pytest.approx(share)


@pytest.mark.slow
def test_a_student_takes_in_what_further_teachers_say(
    planned: list[PlannedTrack],
    teachers: Teachers,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # What it said before is left out of the loss: all that it learns then is what they say.
    monkeypatch.setattr(Itself, "loss", lambda *_: torch.zeros(()))
    torch.manual_seed(0)
    student = Student(label_columns([])).eval()
    before = student.network.embed[0].weight.clone()
    lines: list[str] = []
    settings = Continuation(steps=40, windows=4, seed=1)
    continue_student(student, teachers, planned, tmp_path / "run", settings, report=lines.append)
    further = [float(re.findall(r"further teachers ([\d.]+)", line)[0]) for line in lines[-10:]]
    assert further[-1] < 0.5 * further[0]
    assert not torch.equal(student.network.embed[0].weight, before)
    with np.load(next(tmp_path.glob("run/hearings-*/00000.npz"))) as kept:
        assert kept["answers"].shape == (1, columns_of(["mtat-crnn"]).n)

    continued = load_student(tmp_path / "run" / "continued.pt")
    assert continued.teachers == (BASELINE, "mtat-crnn")
    assert continued.columns == student.columns
    lines.clear()
    monkeypatch.undo()
    once_more = Continuation(steps=1, seed=1)  # by now it has learned from all of them
    continue_student(
        continued, teachers, planned, tmp_path / "more", once_more, report=lines.append
    )
    assert "further teachers" not in lines[-1]
    assert continued.teachers == (BASELINE, "mtat-crnn")


def test_a_student_goes_on_with_music_that_can_be_heard_alone(
    teachers: Teachers, tmp_path: Path
) -> None:
    (tmp_path / "no.wav").write_text("no audio")
    planned = PlannedTrack(MusicTrack(tmp_path / "no.wav", "a", 40.0), Part.TRAIN, 0, 1)
    lines: list[str] = []
    with pytest.raises(DatasetError, match="no track of the training music can be heard"):
        continue_student(
            Student(label_columns([])).eval(),
            teachers,
            [planned],
            tmp_path / "run",
            Continuation(steps=1),
            report=lines.append,
        )
    assert "no.wav" in lines[0]


def test_only_a_trained_student_can_go_on(program: Program, tmp_path: Path) -> None:
    (tmp_path / "music.csv").touch()
    code, _, err = program("distil", tmp_path / "music.csv", "--run", tmp_path, "--continue", 5)
    assert code == 2
    assert "--continue needs --student" in err
