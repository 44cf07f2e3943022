"""Formats, writers and readers: every form of tags written, read back by others, and undone."""

import hashlib
import json
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import mutagen
import pytest
from mutagen.apev2 import APEv2
from mutagen.flac import FLAC
from mutagen.id3 import ID3

from moodtheme.audio import audio_identity
from moodtheme.writing import Choice, Field, Journal, Record, Said, plan_tags, read_journal
from moodtheme.writing import undo as undo_line
from moodtheme.writing import write_tags as write
from tagged_files import FORMS, make

MOODS = ("calm", "relaxing", "meditative")
RECORD = Record(
    moods=MOODS,
    audio="a1:" + "0" * 64,
    model="moodtheme-small",
    digest="8560d1d8" * 8,
    version="0.1.0",
    scores={f"tag{number}": 0.1234 for number in range(56)},
)
SAID = Said(moods=MOODS, numbers={Field.VALENCE: "0.212", Field.AROUSAL: "-0.631"}, record=RECORD)
OTHER = Said(
    moods=("dark",),
    numbers={Field.VALENCE: "-0.500", Field.AROUSAL: "0.100"},
    record=Record(moods=("dark",), audio="a1:x", model="other", digest="ff", version="0.2.0"),
)
FAKES = {name for name in FORMS if "its tag" in name} | {"Ogg Speex"}
"""Whose audio no decoder takes: only the tag is real."""


def written(path: Path, folder: Path, new: Said = SAID, choice: Choice | None = None) -> Any:
    """Plan and write; the journal's line comes back."""
    journal = folder / f"journal-{len(list(folder.glob('journal*')))}"
    with Journal.begun(journal) as begun:
        write(plan_tags(path, new, choice), begun)
    (line,) = read_journal(journal)
    return line


def packets(path: Path) -> str:
    """A digest of the coded audio, as FFmpeg takes it out of the file."""
    digest = hashlib.sha256()
    with av.open(path) as container:
        for packet in container.demux(container.streams.audio[0]):
            digest.update(bytes(packet))
    return digest.hexdigest()


def samples(path: Path) -> str:
    """A digest of the sound."""
    digest = hashlib.sha256()
    # Tags behind the audio are taken for audio, and are none.
    with av.open(path) as container, suppress(av.error.InvalidDataError):
        for frame in container.decode(container.streams.audio[0]):
            digest.update(frame.to_ndarray().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("form", FORMS)
def test_written_and_undone_byte_for_byte(form: str, tmp_path: Path) -> None:
    path = make(form, tmp_path)
    original = path.read_bytes()
    once = written(path, tmp_path)
    first = path.read_bytes()
    assert first != original
    # Nothing is left to do, and what another model says replaces only what is ours.
    assert not plan_tags(path, SAID).changes
    comment = plan_tags(path, SAID).present.get(Field.COMMENT, ("",))[0]
    again = written(path, tmp_path, OTHER, Choice(comment=True))
    line = plan_tags(path, SAID).present[Field.COMMENT][0]
    assert line == " ".join(filter(None, (comment, "[MOOD: dark]")))
    assert plan_tags(path, OTHER).present[Field.MOOD] == ("dark",)
    undo_line(again)
    assert path.read_bytes() == first
    undo_line(once)
    assert path.read_bytes() == original


@pytest.mark.parametrize("form", FORMS)
def test_audio_stays(form: str, tmp_path: Path) -> None:
    path = make(form, tmp_path)
    before = audio_identity(path)
    if form in FAKES:
        assert before.startswith("b1:") or audio_identity(path) == before
        body = path.read_bytes()
        written(path, tmp_path, choice=Choice(comment=True))
        assert body[:10_240] == path.read_bytes()[:10_240] or form == "Ogg Speex"
        return
    coded, sound = packets(path), samples(path)
    written(path, tmp_path, choice=Choice(comment=True))
    assert audio_identity(path) == before
    if form != "MP3, APEv2 alone":  # FFmpeg takes the tag for audio
        assert packets(path) == coded
    assert samples(path) == sound


# --- readers -----------------------------------------------------------------------------------

ALL, FIRST, LAST, NONE = "all", "the first", "the last", "-"
JOINED, TWICE = "all, in one text", "all, in one text, twice"
# What FFmpeg and TagLib make of three moods, where mutagen reads them as they were written.
READERS: dict[str, tuple[str, str]] = {
    "MP3, ID3v2.4": (FIRST, ALL),
    "MP3, ID3v2.3": (JOINED, TWICE),
    "MP3, ID3v2.2": (JOINED, JOINED),
    "MP3, ID3v2.4 with ID3v1 and APEv2": (FIRST, ALL),
    "MP3, ID3v2.3 with ID3v1": (JOINED, TWICE),
    "MP3, ID3v2.3 unsynchronised": (NONE, TWICE),  # FFmpeg gives up behind the first frame
    "MP3, ID3v2.4 with plain sizes": (FIRST, ALL),
    "MP3, ID3v1 alone": (FIRST, ALL),
    "MP3, APEv2 alone": (NONE, ALL),  # FFmpeg looks for no APE tag there
    "MP3, no tag": (FIRST, ALL),
    "AAC stream": (FIRST, NONE),  # TagLib knows no AAC streams
    "FLAC": (ALL, ALL),
    "FLAC behind ID3": (ALL, ALL),
    "FLAC, no comments": (ALL, ALL),
    "Ogg Vorbis": (ALL, ALL),
    "Ogg Vorbis with a picture": (ALL, ALL),
    "Ogg Opus": (ALL, ALL),
    "Ogg Opus with a picture": (ALL, ALL),
    "Ogg Speex": (ALL, ALL),
    "Ogg FLAC": (ALL, ALL),
    "M4A, AAC": (FIRST, ALL),
    "M4A, AAC, audio last": (FIRST, ALL),
    "M4A, ALAC": (FIRST, ALL),
    "MP4, no fields, audio last": (FIRST, ALL),
    "WMA": (LAST, ALL),
    "WMA of FFmpeg": (LAST, ALL),
    "WAV with INFO": (FIRST, ALL),
    "WAV with INFO and ID3": (FIRST, ALL),
    "AIFF": (FIRST, ALL),
    "AIFF, no tag": (FIRST, ALL),
    "WavPack": (FIRST, ALL),
    "WavPack, no tag": (FIRST, ALL),
    "True Audio": (NONE, ALL),  # FFmpeg reads an APE tag there
    "Monkey's Audio (its tag)": (NONE, ALL),
    "Musepack (its tag)": (NONE, ALL),
}
SEEN = {
    ALL: list(MOODS),
    FIRST: list(MOODS[:1]),
    LAST: list(MOODS[-1:]),
    JOINED: ["; ".join(MOODS)],
    TWICE: ["; ".join(MOODS)] * 2,
    NONE: [],
}


def by_design(form: str) -> str:
    """What is written."""
    return JOINED if "v2.3" in form or "v2.2" in form else ALL


def test_the_page_has_this_table() -> None:
    page = (Path(__file__).parents[1] / "docs/players.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ") and line.count("|") == 5]
    table = [f"| {form} | {by_design(form)} | {f} | {t} |" for form, (f, t) in READERS.items()]
    assert [row for row in rows if row in table] == table


def by_mutagen(path: Path, form: str) -> dict[str, list[str]]:
    """All fields as mutagen reads them, as texts."""
    tags: Any
    if "APEv2 alone" in form or path.suffix in {".ape", ".mpc", ".wv"}:
        try:
            tags = APEv2(path)
        except mutagen.apev2.APENoHeaderError:
            return {}
    elif path.suffix in {".mp3", ".aac", ".tta"}:
        try:
            tags = ID3(path)
        except mutagen.id3.ID3NoHeaderError:
            return {}
    else:
        tags = FLAC(path).tags if path.suffix == ".flac" else mutagen.File(path).tags
    return {key: texts(tags[key]) for key in (() if tags is None else tags.keys())}


def texts(value: Any) -> list[str]:
    """A value of any of mutagen's kinds."""
    value = getattr(value, "text", value)
    if isinstance(value, bytes | str) or not hasattr(value, "__iter__"):
        value = [value]
    return [
        v.decode("latin-1") if isinstance(v, bytes) else str(getattr(v, "value", v)) for v in value
    ]


def own(found: dict[str, list[str]], name: str) -> list[str]:
    """The values of one of our fields, whatever the form calls it."""
    names = {name, f"txxx:{name}", f"----:com.apple.itunes:{name}"}
    if name == "mood":
        names |= {"tmoo", "wm/mood"}
    return next((v for k, v in found.items() if k.lower() in names), [])


def is_own(name: str) -> bool:
    last = name.lower().rpartition(":")[2]
    return last.startswith("moodtheme") or last in {"mood", "tmoo", "wm/mood"}


@pytest.mark.parametrize("form", FORMS)
def test_read_by_mutagen(form: str, tmp_path: Path) -> None:
    path = make(form, tmp_path)
    before = by_mutagen(path, form)
    written(path, tmp_path)
    after = by_mutagen(path, form)
    assert own(after, "mood") == SEEN[by_design(form)]
    assert own(after, "moodtheme_valence") == ["0.212"]
    assert own(after, "moodtheme_arousal") == ["-0.631"]
    assert json.loads(own(after, "moodtheme")[0])["scores"]["tag7"] == 0.1234
    assert {key: after.get(key) for key in before} == before
    new = {key for key in after if key not in before and not is_own(key)}
    # Programs look into one of two lists: what the other has is in the new one too.
    assert new == ({"TIT2", "COMM::eng"} if form == "WAV with INFO" else set())


def by_ffmpeg(path: Path) -> dict[str, list[str]]:
    """Tags as FFmpeg reads them: of the file, and of its audio."""
    with av.open(path) as container:
        found = {**container.metadata, **container.streams.audio[0].metadata}
    return {
        key: value.split(";") if value.startswith("calm;relaxing") else [value]
        for key, value in found.items()
    }


@pytest.mark.parametrize("form", [form for form in FORMS if form not in FAKES])
def test_read_by_ffmpeg(form: str, tmp_path: Path) -> None:
    path = make(form, tmp_path)
    before = by_ffmpeg(path)
    written(path, tmp_path)
    after = by_ffmpeg(path)
    assert {key: after.get(key) for key in before} == before
    assert own(after, "mood") == SEEN[READERS[form][0]]
    if READERS[form][0] != NONE:
        assert own(after, "moodtheme_valence") == ["0.212"]


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("form", [form for form in FORMS if form not in FAKES])
def test_ffprobe_finds_nothing_wrong(form: str, tmp_path: Path) -> None:
    path = make(form, tmp_path)
    command = ["ffprobe", "-v", "warning", "-show_streams", "-of", "json", str(path)]
    before = subprocess.run(command, capture_output=True, text=True, check=True)
    written(path, tmp_path)
    after = subprocess.run(command, capture_output=True, text=True, check=True)
    streams = [json.loads(done.stdout)["streams"] for done in (before, after)]
    for stream in streams[0] + streams[1]:
        stream.pop("tags", None)
        stream.pop("bit_rate", None)  # reckoned from the length of the file
        if form == "MP3, APEv2 alone":  # and so is this, of MP3 that does not tell
            del stream["duration"], stream["duration_ts"]
    assert streams[1] == streams[0]
    # Where libraries warn they name an address in memory.
    told = [re.sub(r"@ 0x[0-9a-f]+", "", done.stderr) for done in (before, after)]
    # Where there is INFO too, some versions show that alone.
    told = [text.replace("[wav ] Discarding ID3 tags because more suitable tags were found.\n", "")
            for text in told]  # fmt: skip
    assert told[1] == told[0]


def by_taglib(path: Path) -> dict[str, list[str]]:
    """Tags as TagLib reads them, the library of Navidrome, Strawberry, VLC and others."""
    taglib = pytest.importorskip("taglib", reason="pytaglib is not installed")
    with taglib.File(path) as file:
        return dict(file.tags)


@pytest.mark.parametrize(
    "form", [f for f in FORMS if f not in {"AAC stream", "Musepack (its tag)"}]
)
def test_read_by_taglib(form: str, tmp_path: Path) -> None:
    path = make(form, tmp_path)
    before = by_taglib(path)
    written(path, tmp_path)
    after = by_taglib(path)
    assert {key: after.get(key) for key in before} == before
    assert own(after, "mood") == SEEN[READERS[form][1]]
    if not form.startswith("WMA"):  # TagLib tells of fields that it has a name for
        assert own(after, "moodtheme_valence") == ["0.212"]
    assert all(is_own(key) for key in set(after) - set(before))


@pytest.mark.parametrize(
    "form", [f for f in FORMS if f not in {"AAC stream", "Musepack (its tag)"}]
)
def test_what_taglib_saved_again_is_still_ours(form: str, tmp_path: Path) -> None:
    taglib = pytest.importorskip("taglib", reason="pytaglib is not installed")
    path = make(form, tmp_path)
    written(path, tmp_path)
    with taglib.File(path, save_on_exit=True) as file:
        file.tags["TITLE"] = ["Another"]
    plan = plan_tags(path, SAID)
    assert plan.kept == ()
    # It makes ID3v2.4 of older tags, with moods in one text; they are told apart again.
    if plan.changes:
        assert form in {"MP3, ID3v2.2"} or "ID3v2.3" in form
        assert list(plan.changes) == [Field.MOOD]
        saved = path.read_bytes()
        line = written(path, tmp_path)
        # Of ID3v2.2 it made a field that may be anybody's.
        assert by_taglib(path)["MOOD"][-3:] == list(MOODS)
        undo_line(line)
        assert path.read_bytes() == saved
