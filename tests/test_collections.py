"""Known collections, as miniatures of the folders that their archives unpack to."""

from pathlib import Path

import numpy as np
import pytest

from moodtheme.datasets import Metadata, Split, load_dataset
from moodtheme.datasets.jamendo import HEADER
from moodtheme.errors import DatasetError
from test_ratings import write_deam


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_emomusic(tmp_path: Path) -> None:
    lists = tmp_path / "annotations"
    write(
        lists / "static_annotations.csv",
        "song_id,mean_arousal,std_arousal,mean_valence,std_valence",
        "2,3.1,1,3.0,1", "3,3.5,1,3.3,1", "4,5.7,1,5.5,1",
    )  # fmt: skip
    write(
        lists / "songs_info.csv",
        "song_id,file_name,Artist,Song title,start of the segment (min.sec),"
        "end of the segment (min.sec),Genre,Mediaeval 2013 set",
        '2,2.mp3,"The New, Ones",Tater,0.13,0.58,Blues,development',
        "3,3.mp3,The Others,Song,0.13,0.58,Blues,evaluation",
    )
    for number in (2, 3):
        write(tmp_path / "clips_45seconds" / f"{number}.mp3")
    table = load_dataset(f"emomusic:{tmp_path}")
    assert table.paths == ("clips_45seconds/2.mp3", "clips_45seconds/3.mp3")
    assert table.splits == (Split.TRAIN, Split.TEST)
    assert table.artists == ("The New, Ones", "The Others")
    np.testing.assert_array_equal(table.ratings, [[3.0, 3.1], [3.3, 3.5]])
    assert [str(d) for d in table.dimensions] == ["valence [1..9]", "arousal [1..9]"]


def test_pmemo(tmp_path: Path) -> None:
    root = tmp_path / "PMEmo2019"
    write(
        root / "annotations" / "static_annotations.csv",
        "musicId,Arousal(mean),Valence(mean)", "1,0.4,0.575", "4,0.8,0.7",
    )  # fmt: skip
    write(
        root / "metadata.csv",
        "musicId,fileName,title,artist,album,duration,chorus_start_time,chorus_end_time",
        "1,1.mp3,Good Drank,2 Chainz,Def Jam Presents,32.0,02:35,03:05",
    )
    for number in (1, 4):
        write(root / "chorus" / f"{number}.mp3")
    table = load_dataset(f"pmemo:{root}")
    np.testing.assert_array_equal(table.ratings, [[0.575, 0.4], [0.7, 0.8]])
    assert table.artists == ("2 Chainz", "") and str(table.dimensions[0]) == "valence [0..1]"


def test_emopia(tmp_path: Path) -> None:
    names = ["Q1_0vLPYiPN7qY_0", "Q1_0vLPYiPN7qY_1", "Q3_a_b_2"]
    write(tmp_path / "label.csv", "ID,4Q,annotator", *(f"{name},{name[1]},A" for name in names))
    for part, name in zip(("train", "val", "test"), names, strict=True):
        write(tmp_path / "split" / f"split-{part}.csv", ",clip_name,4Q", f"0,{name}.mid,1")
        write(tmp_path / "audio" / f"{name}.wav")
    table = load_dataset(f"emopia:{tmp_path}")
    assert table.tags == ("Q1", "Q2", "Q3", "Q4")
    assert table.labels.argmax(axis=1).tolist() == [0, 0, 2]
    assert table.splits == (Split.TRAIN, Split.VALIDATION, Split.TEST)
    assert table.artists == ("0vLPYiPN7qY", "0vLPYiPN7qY", "a_b")


def test_magnatagatune(tmp_path: Path) -> None:
    tags = [f"tag {number}" for number in range(60)]
    lines = ["\t".join(f'"{head}"' for head in ["clip_id", *tags, "mp3_path"])]
    info = ["clip_id\ttrack_number\ttitle\tartist\talbum\turl\tmp3_path"]
    for clip, folder in enumerate("0bcf"):
        has = [str(int(number >= 10 or clip == 0)) for number in range(60)]
        path = f"{folder}/artist-{clip}-0-29.mp3"
        lines.append("\t".join(f'"{cell}"' for cell in [str(clip), *has, path]))
        info.append(f"{clip}\t1\tSong\tAmerican Bach Soloists\tAlbum\thttp://x\t{path}")
        write(tmp_path / "mp3" / path)
    write(tmp_path / "annotations_final.csv", *lines)
    write(tmp_path / "clip_info_final.csv", *info)
    table = load_dataset(f"mtt:{tmp_path}")
    assert table.splits == (Split.TRAIN, Split.TRAIN, Split.VALIDATION, Split.TEST)
    assert len(table.tags) == 50 and "tag 9" not in table.tags and table.labels.all()
    assert table.paths[0] == "mp3/0/artist-0-0-29.mp3"
    assert set(table.artists) == {"American Bach Soloists"}


def test_other_parts_of_mtg_jamendo(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "splits" / "split-0"
    for number, part in enumerate(("train", "validation", "test")):
        tag = ["genre---rock", "genre---jazz"][number % 2]
        row = [f"track_{number}", "artist_1", "album_1", f"0{number}/{number}.mp3", "200.0", tag]
        write(folder / f"autotagging_genre-{part}.tsv", "\t".join(HEADER), "\t".join(row))
    table = load_dataset("jamendo-genre", metadata=Metadata(folder=tmp_path))
    assert table.tags == ("jazz", "rock")
    assert table.labels.tolist() == [[False, True], [True, False], [False, True]]
    assert table.splits == tuple(Split)


def test_mtg_jamendo_in_the_folder_that_mirdata_keeps(tmp_path: Path) -> None:
    for number, part in enumerate(("train", "validation", "test")):
        row = [f"track_{number}", "artist_1", "album_1", f"0{number}/{number}.mp3", "200.0"]
        write(
            tmp_path / "data" / "splits" / "split-0" / f"autotagging_moodtheme-{part}.tsv",
            "\t".join(HEADER), "\t".join([*row, "mood/theme---dark"]),
        )  # fmt: skip
        write(tmp_path / "audios" / f"0{number}" / f"{number}.mp3")
    table = load_dataset(f"jamendo:{tmp_path / 'audios'}", metadata=Metadata(folder=tmp_path))
    assert len(table.present()) == 3 and table.splits == tuple(Split)
    assert all(file.is_file() for file in table.files)


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    for source, complaint in (
        (f"deam:{tmp_path / 'none'}", "no such folder"),
        (f"pmemo:{tmp_path}", r"holds no static_annotations\.csv"),
    ):
        with pytest.raises(DatasetError, match=complaint):
            load_dataset(source)
    root = write_deam(tmp_path / "DEAM", songs=2)
    for file in (root / "MEMD_audio").iterdir():
        file.unlink()
    with pytest.raises(DatasetError, match="lists 3 tracks and holds the audio of none"):
        load_dataset(f"deam:{root}")
