"""What the student hears of whole tracks, and what listeners said of some of them."""

import csv
import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from moodtheme.arrays import Float64Array
from moodtheme.audio import SILENCE_PEAK, read_audio
from moodtheme.distillation.combination import FEELINGS
from moodtheme.errors import AudioError, DatasetError
from moodtheme.files import replacing
from moodtheme.models.moodtheme_small import (
    EXCERPT_SAMPLES,
    SAMPLE_RATE,
    SmallFrontEnd,
    SmallNetwork,
)
from moodtheme.tagging.windows import slide_windows

Report = Callable[[int, int, str | None], None]


def hear_tracks(
    network: SmallNetwork, paths: Sequence[Path], kept: Path, *, jobs: int, report: Report
) -> dict[Path, Float64Array]:
    """Embeddings ``(windows, 512)`` of whole tracks; those that cannot be used are left out.

    Parameters
    ----------
    network
        What hears.
    paths
        The tracks.
    kept
        Folder in which each track's embeddings are kept, so that hearing goes on where it stopped.
    jobs
        Tracks heard at once.
    report
        Called after each track.
    """
    front_end = SmallFrontEnd()
    weights = hashlib.sha256()
    for value in network.state_dict().values():
        weights.update(value.numpy().tobytes())
    kept.mkdir(parents=True, exist_ok=True)

    def hear(path: Path) -> Float64Array | str:
        if not path.is_file():
            return newly(path)
        mark = weights.copy()
        mark.update(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode())
        file = kept / f"{mark.hexdigest()[:32]}.npy"
        if file.exists():
            return np.asarray(np.load(file), dtype=np.float64)
        found = newly(path)
        if not isinstance(found, str):
            with replacing(file) as temporary, temporary.open("wb") as opened:
                np.save(opened, found.astype(np.float32))
        return found

    def newly(path: Path) -> Float64Array | str:
        try:
            audio = read_audio(path, sample_rate=SAMPLE_RATE, minimum_s=1.0).samples
        except AudioError as error:
            return str(error)
        rows = []
        for window in slide_windows([audio], samples=EXCERPT_SAMPLES):
            if float(np.abs(window.audio).max()) >= SILENCE_PEAK:
                with torch.no_grad():
                    row = network(front_end(torch.from_numpy(window.audio.copy())[None]))[0]
                rows.append(row.double().numpy())
        return np.stack(rows) if rows else f"{path} is silent"

    heard = {}
    with ThreadPoolExecutor(jobs) as pool:
        results = zip(paths, pool.map(hear, paths), strict=True)
        for done, (path, found) in enumerate(results, start=1):
            if isinstance(found, str):
                report(done, len(paths), found)
                continue
            heard[path] = found
            report(done, len(paths), None)
    return heard


def read_answers(table: Path) -> dict[Path, Float64Array]:
    """What listeners felt: by file, the share who ticked each of the nine feelings.

    Parameters
    ----------
    table
        CSV with ``path`` (relative to its folder unless absolute) and a column a feeling, named as
        in `FEELINGS`; several rows of one path are averaged, so each may be one listener's answer.

    Raises
    ------
    DatasetError
        If it cannot be read, or a column or a number is missing.
    """
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"{table} cannot be read ({error}); give a CSV in UTF-8") from error
    if not rows or not {"path", *FEELINGS} <= set(rows[0]):
        raise DatasetError(f"{table} needs rows and the columns path, {', '.join(FEELINGS)}")
    said: dict[Path, list[list[float]]] = {}
    for row in rows:
        try:
            numbers = [float(row[name]) for name in FEELINGS]
        except (TypeError, ValueError) as error:
            raise DatasetError(f"{table}: {row['path']}: {error}; mend the number") from error
        said.setdefault(table.parent / row["path"], []).append(numbers)
    return {path: np.mean(numbers, axis=0) for path, numbers in said.items()}
