"""Adds ``moods``, ``valence`` and ``arousal``, heard by moodtheme, to items of a beets library."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mediafile
from beets import config, ui, util
from beets.dbcore import types
from beets.plugins import BeetsPlugin

if TYPE_CHECKING:
    from beets.importer import ImportSession, ImportTask
    from beets.library import Item, Library

DIMENSIONS = ("valence", "arousal")


class MoodthemePlugin(BeetsPlugin):
    """Listens to items on import, and by ``beet moodtheme``."""

    item_types = {"moods": types.MULTI_VALUE_DSV, **dict.fromkeys(DIMENSIONS, types.NullFloat(3))}  # noqa: RUF012 - beets' way

    def __init__(self) -> None:
        super().__init__()
        self.config.add(
            {
                "auto": True,
                "overwrite": False,
                "model": "moodtheme-small",
                "max": 5,
                "at_least": None,
            }
        )
        self.add_media_field("moods", _mood_field())
        for name in DIMENSIONS:
            self.add_media_field(name, _number_field(f"MOODTHEME_{name.upper()}"))
        self._tagger: Any = None
        if self.config["auto"].get(bool):
            self.import_stages = [self._imported]

    def commands(self) -> list[ui.Subcommand]:
        """``beet moodtheme [QUERY]``."""
        command = ui.Subcommand("moodtheme", help="listen to music and add its moods")
        command.parser.add_option(
            "-f", "--force", action="store_true", help="replace moods that are there"
        )
        command.parser.add_option(
            "-w", "--write", action="store_true", default=None, help="write them to the files"
        )
        command.parser.add_option(
            "-W", "--nowrite", action="store_false", dest="write", help="leave the files alone"
        )

        def run(library: Library, options: Any, query: list[str]) -> None:
            force = options.force or self.config["overwrite"].get(bool)
            self._hear(library.items(query), force=force, write=ui.should_write(options.write))

        command.func = run
        return [command]

    def _imported(self, session: ImportSession, task: ImportTask) -> None:
        force = self.config["overwrite"].get(bool)
        self._hear(task.imported_items(), force=force, write=ui.should_write())

    def _hear(self, items: Iterable[Item], *, force: bool, write: bool) -> None:
        """Listen to items and store what was heard; one that fails is logged, the rest goes on."""
        from moodtheme.tagging.batch import tag_files
        from moodtheme.work import cores
        from moodtheme.writing import Choice, said

        wanted = [item for item in items if force or not _is_told(item)]
        if not wanted:
            return
        tagger = self._loaded()
        at_least = self.config["at_least"].get()
        choice = Choice(
            most=self.config["max"].get(int),
            at_least=None if at_least is None else float(at_least),
        )
        paths = [Path(util.syspath(item.path)) for item in wanted]
        for item, result in zip(wanted, tag_files(tagger, paths, jobs=cores()), strict=True):
            if result.error is not None:
                self._log.warning("{}: {}", item, result.error)
                continue
            item["moods"] = list(said(result, tagger.bundle.synonyms, choice).moods)
            for place in result.dimensions:
                if place.name in DIMENSIONS:
                    item[place.name] = round(place.value, 3)
            self._log.info("{}: {}", item, ", ".join(item["moods"]) or "nothing stands out")
            if write:
                item.try_write()
            item.store()

    def _loaded(self) -> Any:
        if self._tagger is None:
            from moodtheme import Tagger

            self._tagger = Tagger.load(self.config["model"].as_str())
        return self._tagger


def _is_told(item: Item) -> bool:
    """Whether an item was heard before, or somebody gave it moods."""
    return bool(item.get("moods")) or item.get("valence") is not None


def _mood_field() -> mediafile.ListMediaField:
    """The mood field of each format; in ID3v2.3, from which mutagen drops it, one of that name."""
    if config["id3v23"].get(bool):
        id3: Any = mediafile.MP3ListDescStorageStyle("MOOD", split_v23=True)
    else:
        id3 = mediafile.MP3ListStorageStyle("TMOO")
    return mediafile.ListMediaField(
        id3,
        mediafile.MP4ListStorageStyle("----:com.apple.iTunes:MOOD"),
        mediafile.ListStorageStyle("MOOD"),
        mediafile.ASFStorageStyle("WM/Mood"),
    )


def _number_field(name: str) -> mediafile.MediaField:
    return mediafile.MediaField(
        mediafile.MP3DescStorageStyle(name, float_places=3),
        mediafile.MP4StorageStyle(f"----:com.apple.iTunes:{name}", float_places=3),
        mediafile.StorageStyle(name, float_places=3),
        mediafile.ASFStorageStyle(name, float_places=3),
        out_type=float,
    )
