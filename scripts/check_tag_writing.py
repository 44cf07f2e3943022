"""Write and undo the tags of copies of a folder's music, and compare whatever can be compared.

``python scripts/check_tag_writing.py FOLDER [--most N]``. The files themselves are only read. What
is written is made up: no model is asked.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path
from statistics import median

import av

from moodtheme.audio import audio_identity, iter_audio_files
from moodtheme.errors import AudioError, TagFileError, UnsupportedTagsError
from moodtheme.writing import (
    Choice,
    Field,
    Journal,
    Record,
    Said,
    plan_tags,
    read_journal,
    undo,
    write_tags,
)

MOODS = ("dark", "dramatic", "epic")
SAID = Said(
    moods=MOODS,
    numbers={Field.VALENCE: "-0.432", Field.AROUSAL: "0.636"},
    record=Record(
        moods=MOODS, audio="a1:" + "0" * 64, model="made-up", digest="0" * 64, version="0",
        scores={f"tag{number}": 0.1234 for number in range(56)},
    ),
)  # fmt: skip


def packets(path: Path) -> str:
    """A digest of the coded audio, as FFmpeg takes it out of the file."""
    digest = hashlib.sha256()
    with av.open(path, metadata_errors="replace") as container:
        for packet in container.demux(container.streams.audio[0]):
            digest.update(bytes(packet))
    return digest.hexdigest()


def check(path: Path, folder: Path) -> tuple[str, int]:
    """Name of the form, and bytes of the journal; raises AssertionError where anything differs."""
    copy, journal = folder / path.name, folder / "journal"
    shutil.copy2(path, copy)
    before = hashlib.sha256(copy.read_bytes()).digest()
    told = audio_identity(copy), packets(copy)
    choice = Choice(comment=True)
    try:
        plan = plan_tags(copy, SAID, choice)
        with Journal.begun(journal) as begun:
            write_tags(plan, begun)
        assert plan_tags(copy, SAID, choice).changes == {}, "a second run would write again"
        assert (audio_identity(copy), packets(copy)) == told, "the audio differs"
        (line,) = read_journal(journal)
        size = journal.stat().st_size
        undo(line)
        assert hashlib.sha256(copy.read_bytes()).digest() == before, "undone, it differs"
    finally:
        copy.unlink()
        journal.unlink(missing_ok=True)
    return plan.form, size


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, help="files at most")
    arguments = parser.parse_args()
    sizes: dict[str, list[int]] = defaultdict(list)
    refused: Counter[str] = Counter()
    problems = 0
    with tempfile.TemporaryDirectory() as name:
        for number, path in enumerate(iter_audio_files([arguments.folder])):
            if number == arguments.most:
                break
            if isinstance(path, AudioError):
                continue
            try:
                form, size = check(path, Path(name))
                sizes[form].append(size)
            except UnsupportedTagsError as error:
                refused[error.reason] += 1
            except (AssertionError, TagFileError, av.error.FFmpegError) as error:
                problems += 1
                print(f"{path}: {error}", file=sys.stderr)
    for form, found in sorted(sizes.items()):
        print(
            f"{form}: {len(found)} files written and undone byte for byte; journal "
            f"{median(found):.0f} bytes a file, at most {max(found)}"
        )
    for reason, count in refused.most_common():
        print(f"{count} files refused: {reason}")
    print(f"{problems} problems")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
