"""Archives from anyone: only the expected files get out, and only whole."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from mirror import sha256
from moodtheme.datasets.archives import unpack
from moodtheme.errors import DatasetError, HashMismatchError
from toy_jamendo import regular, special, tar_of

GOOD = {"07/1.mp3": b"one" * 1000, "07/2.mp3": b"two" * 1000}
EXPECTED = {name: sha256(content) for name, content in GOOD.items()}
MEMBERS = [special("07", tarfile.DIRTYPE), *(regular(*item) for item in GOOD.items())]


def unpacked(tmp_path: Path, content: bytes) -> list[str]:
    (tmp_path / "a.tar").write_bytes(content)
    return list(unpack(tmp_path / "a.tar", tmp_path / "out", EXPECTED))


def files_in(folder: Path) -> list[str]:
    return sorted(
        file.relative_to(folder).as_posix() for file in folder.rglob("*") if not file.is_dir()
    )


def test_the_expected_tracks_are_unpacked(tmp_path: Path) -> None:
    assert unpacked(tmp_path, tar_of(MEMBERS)) == list(GOOD)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in GOOD} == GOOD
    assert files_in(tmp_path / "out") == list(GOOD)


def test_names_may_begin_with_the_current_folder(tmp_path: Path) -> None:
    members = [regular(f"./{name}", content) for name, content in GOOD.items()]
    assert unpacked(tmp_path, tar_of([special("./07", tarfile.DIRTYPE), *members])) == list(GOOD)


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "out" / "07").mkdir(parents=True)
    kept = tmp_path / "out" / "07" / "1.mp3"
    kept.write_bytes(b"verified in an earlier run")
    assert unpacked(tmp_path, tar_of(MEMBERS)) == list(GOOD)
    assert kept.read_bytes() == b"verified in an earlier run"


def sparse(name: str) -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.size": str(1 << 50),
        "GNU.sparse.map": f"{1 << 49},0",
    }
    return member, b""


@pytest.mark.parametrize(
    "bad",
    [
        regular("../escaped.mp3", b"x"),
        regular("07/../../escaped.mp3", b"x"),
        regular("/tmp/escaped-by-absolute-path.mp3", b"x"),
        regular("07\\escaped.mp3", b"x"),
        regular("07/3.mp3", b"one track too many"),
        special("../escaped", tarfile.DIRTYPE),
        special("08", tarfile.DIRTYPE),
        special("07", tarfile.SYMTYPE, "/etc"),
        special("07/1.mp3", tarfile.SYMTYPE, "/etc/passwd"),
        special("07/1.mp3", tarfile.LNKTYPE, "07/2.mp3"),
        special("07/1.mp3", tarfile.CHRTYPE),
        special("07/1.mp3", tarfile.FIFOTYPE),
        special("07/1.mp3", tarfile.DIRTYPE),
        sparse("07/1.mp3"),
    ],
    ids=lambda bad: f"{bad[0].name} {bad[0].type!r}",
)
def test_anything_else_is_refused(tmp_path: Path, bad: tuple[tarfile.TarInfo, bytes]) -> None:
    with pytest.raises(DatasetError, match=r"a\.tar: .*(not among its tracks|ordinary file)"):
        unpacked(tmp_path, tar_of([bad, *MEMBERS]))
    assert files_in(tmp_path) == ["a.tar"]
    assert not Path("/tmp/escaped-by-absolute-path.mp3").exists()


def with_declared_size(size: int) -> bytes:
    """Return an archive whose first track declares another size than it has."""
    member, content = regular("07/1.mp3", b"short")
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT) + content.ljust(512, b"\0") + bytes(1024)


@pytest.mark.parametrize("size", [5000, 1 << 33, 1 << 62, (1 << 80) - 1])
def test_a_declared_size_that_is_not_there_takes_no_room(tmp_path: Path, size: int) -> None:
    with pytest.raises(DatasetError, match="damaged"):
        unpacked(tmp_path, with_declared_size(size))
    assert files_in(tmp_path) == ["a.tar"]


@pytest.mark.parametrize(
    "content",
    [b"", b"not an archive" * 100, tar_of(MEMBERS)[:4000], tar_of(MEMBERS[:2])],
    ids=["empty", "no archive", "cut off", "a track less"],
)
def test_a_damaged_archive_is_named(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DatasetError, match=r"a\.tar: (is damaged|lacks)"):
        unpacked(tmp_path, content)


def test_a_compressed_archive_is_not_opened(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for member, content in MEMBERS:
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(DatasetError, match="is damaged"):
        unpacked(tmp_path, packed.getvalue())


def test_a_wrong_track_never_gets_its_name(tmp_path: Path) -> None:
    with pytest.raises(HashMismatchError, match=r"a\.tar: the track 2\.mp3"):
        unpacked(tmp_path, tar_of([MEMBERS[1], regular("07/2.mp3", b"other")]))
    assert files_in(tmp_path) == ["a.tar", "out/07/1.mp3"]


def test_stopping_midway_leaves_only_whole_tracks(tmp_path: Path) -> None:
    (tmp_path / "a.tar").write_bytes(tar_of(MEMBERS))
    going = unpack(tmp_path / "a.tar", tmp_path / "out", EXPECTED)
    next(going)
    going.close()
    assert files_in(tmp_path / "out") == ["07/1.mp3"]
    assert os.path.getsize(tmp_path / "out" / "07" / "1.mp3") == 3000  # noqa: PTH202
