"""A few invented tracks, published in the form of the MTG-Jamendo dataset."""

import io
import tarfile
from collections.abc import Iterable
from pathlib import Path

from mirror import sha256

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"
SUFFIXES = {"audio": ".mp3", "audio-low": ".low.mp3", "melspecs": ".npy"}
ARCHIVES = 3
TRACKS_EACH = 4
TAGS = ("action", "calm", "dark", "happy")


def track_names(data_type: str = "audio", archive: int | None = None) -> list[str]:
    folders = range(ARCHIVES) if archive is None else [archive]
    return [
        f"{folder:02d}/{number}{folder:02d}{SUFFIXES[data_type]}"
        for folder in folders
        for number in range(1, TRACKS_EACH + 1)
    ]


def content_of(track: str) -> bytes:
    return f"content of {track} ".encode() * 8000


def tar_of(members: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for member, content in members:
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def regular(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    return member, content


def special(name: str, kind: bytes, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type = kind
    member.linkname = link
    return member, b""


def archive_name(data_type: str, number: int) -> str:
    return f"autotagging_moodtheme_{data_type}-{number:02d}.tar"


def archive(data_type: str, number: int) -> bytes:
    folder = special(f"{number:02d}", tarfile.DIRTYPE)
    tracks = [regular(name, content_of(name)) for name in track_names(data_type, number)]
    return tar_of([folder, *tracks])


def mirror_files(data_type: str = "audio") -> dict[str, bytes]:
    """Return the archives by their path on a mirror."""
    return {
        f"autotagging_moodtheme/{data_type}/{archive_name(data_type, number)}": archive(
            data_type, number
        )
        for number in range(ARCHIVES)
    }


def write_checksums(folder: Path, data_type: str = "audio") -> None:
    """Write both lists of checksums to ``folder/download``."""
    (folder / "download").mkdir(parents=True, exist_ok=True)
    tars = {
        archive_name(data_type, number): archive(data_type, number) for number in range(ARCHIVES)
    }
    tracks = {name: content_of(name) for name in track_names(data_type)}
    for kind, files in (("tars", tars), ("tracks", tracks)):
        lines = [f"{sha256(content)} {name}\n" for name, content in files.items()]
        place = folder / "download" / f"autotagging_moodtheme_{data_type}_sha256_{kind}.txt"
        place.write_text("".join(lines), encoding="utf-8")


def write_lists(folder: Path, split: int = 0) -> None:
    """Write the three lists of a division to ``folder/splits``: two artists in each part."""
    place = folder / "splits" / f"split-{split}"
    place.mkdir(parents=True)
    names = track_names()
    for number, part in enumerate(("train", "validation", "test")):
        rows = [HEADER]
        for offset, path in enumerate(names[number::3]):
            tags = [f"mood/theme---{TAGS[offset]}"]
            if offset == 0:
                tags.append("mood/theme---happy")
            artist = f"artist_{number}{offset % 2}"
            rows.append(
                "\t".join([f"track_{path[3:-4]}", artist, f"album_{number}", path, "90.0", *tags])
            )
        text = "\r\n".join(rows) + "\r\n"
        (place / f"autotagging_moodtheme-{part}.tsv").write_bytes(text.encode())


def write_metadata(folder: Path) -> Path:
    """Write everything that the dataset's repository has for the division 0 and the audio."""
    write_lists(folder)
    for data_type in SUFFIXES:
        write_checksums(folder, data_type)
    return folder
