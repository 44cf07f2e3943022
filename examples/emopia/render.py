"""Render EMOPIA's MIDI clips to audio and write the table that moodtheme trains on.

EMOPIA (Hung et al., ISMIR 2021) holds 1,078 clips of pop piano music whose emotion people judged:
Q1 is happy or excited (+valence, +arousal), Q2 tense or angry (−V +A), Q3 sad (−V −A), Q4 calm
(+V −A). Sources disagree on its licence; take it as non-commercial. Clips that the official split
does not name are left out.

    apt install fluidsynth fluid-soundfont-gm
    python examples/emopia/render.py midis.zip SPLITS --output emopia

SPLITS is the folder with split-train.csv, split-val.csv and split-test.csv. Stopped at any moment,
the same command goes on.
"""

import argparse
import csv
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import soundfile

from moodtheme.audio import to_mono

SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SAMPLE_RATE = 44_100
GAIN = 0.5  # loud, and below full scale for all but a few clips
SPLITS = {"train": "train", "val": "validation", "test": "test"}


@dataclass(frozen=True)
class Clip:
    """A clip: its name, quadrant, song and split."""

    name: str
    quadrant: str
    song: str
    split: str


def read_clips(folder: Path) -> Iterator[Clip]:
    """Clips of the official split, in its order; a name is QUADRANT_SONG_NUMBER."""
    for part, split in SPLITS.items():
        with (folder / f"split-{part}.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                name = row["fname"].removesuffix(".mid")
                quadrant, rest = name.split("_", 1)
                yield Clip(name, quadrant, rest.rsplit("_", 1)[0], split)


def render(midi: bytes, target: Path, *, soundfont: Path) -> None:
    """Play one MIDI file with FluidSynth and write it as mono FLAC."""
    with tempfile.TemporaryDirectory() as scratch:
        score, played = Path(scratch) / "clip.mid", Path(scratch) / "clip.wav"
        score.write_bytes(midi)
        command = ["fluidsynth", "-ni", "-q", "-g", str(GAIN), "-r", str(SAMPLE_RATE), "-O", "s16"]
        command += ["-F", str(played), str(soundfont), str(score)]
        subprocess.run(command, check=True, capture_output=True)
        audio, rate = soundfile.read(played, dtype="float32")
    partial = target.with_suffix(".partial")
    soundfile.write(partial, to_mono(audio), rate, format="FLAC", subtype="PCM_16")
    partial.replace(target)


def write_table(folder: Path, clips: list[Clip]) -> Path:
    """Write ``tracks.csv``: songs count as artists, so that none is in two splits."""
    path = folder / "tracks.csv"
    partial = path.with_suffix(".partial")
    with partial.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["track", "path", "tags", "split", "artist"])
        for clip in clips:
            row = [clip.name, f"audio/{clip.name}.flac", clip.quadrant, clip.split, clip.song]
            writer.writerow(row)
    partial.replace(path)
    return path


def main() -> None:
    """Render every clip that is not there yet."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("midis", type=Path, help="midis.zip")
    parser.add_argument("splits", type=Path, help="folder with the official split")
    parser.add_argument("--output", type=Path, required=True, help="folder to write")
    parser.add_argument("--soundfont", type=Path, default=SOUNDFONT)
    parser.add_argument("--jobs", type=int, default=2, help="clips at once")
    parser.add_argument("--limit", type=int, help="only so many clips of each split")
    options = parser.parse_args()
    if shutil.which("fluidsynth") is None or not options.soundfont.is_file():
        sys.exit(
            "FluidSynth or its sound font is missing: apt install fluidsynth fluid-soundfont-gm"
        )
    clips: list[Clip] = []
    for clip in read_clips(options.splits):
        there = sum(other.split == clip.split for other in clips)
        if options.limit is None or there < options.limit:
            clips.append(clip)
    (options.output / "audio").mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(options.midis) as archive, ThreadPoolExecutor(options.jobs) as pool:
        waiting = []
        for clip in clips:
            target = options.output / "audio" / f"{clip.name}.flac"
            if not target.exists():
                midi = archive.read(f"midis/{clip.name}.mid")
                waiting.append(pool.submit(render, midi, target, soundfont=options.soundfont))
        for done, future in enumerate(waiting, start=1):
            future.result()
            if done % 50 == 0 or done == len(waiting):
                print(f"rendered {done} of {len(waiting)} clips", file=sys.stderr, flush=True)
    print(f"{write_table(options.output, clips)}: {len(clips)} clips")


if __name__ == "__main__":
    main()
