"""How alike rips of one piece are to a model, beside different pieces of the same length.

    python benchmarks/library_rips.py LIBRARY [--pieces N]

Pieces spread over a library are encoded anew by FFmpeg, as MP3 of 128 kbit/s, Opus of 64 and Ogg
Vorbis of about 110, and heard; each is compared with its source by the cosine of embeddings. So
are all pairs of pieces of the library that are as long as one another.
"""

import argparse
import os
import subprocess
import tempfile
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from moodtheme import Tagger, track_embedding
from moodtheme.library import Library
from moodtheme.library.neighbours import SAME_LENGTH_S, SAME_LIKENESS

CODECS = {
    "MP3 128": ["-c:a", "libmp3lame", "-b:a", "128k", "rip.mp3"],
    "Opus 64": ["-c:a", "libopus", "-b:a", "64k", "rip.opus"],
    "Vorbis 3": ["-c:a", "libvorbis", "-q:a", "3", "rip.ogg"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library", type=Path)
    parser.add_argument("--pieces", type=int, default=12)
    arguments = parser.parse_args()
    with Library(arguments.library) as library:
        tagger = Tagger.load(library.model.bundle.name)
        tracks = list(library.tracks())
    chosen = tracks[:: max(len(tracks) // arguments.pieces, 1)][: arguments.pieces]
    found: dict[str, list[float]] = {name: [] for name in CODECS}
    longer = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for track in chosen:
            source = track_embedding(tagger.listen(track.path))
            for name, (*options, rip) in CODECS.items():
                out = Path(folder) / rip
                command = ["ffmpeg", "-v", "error", "-y", "-i", track.path, "-vn", *options, out]
                subprocess.run(command, check=True)
                heard = tagger.listen(out)
                longer = max(longer, abs((heard.duration_s or 0) - (track.result.duration_s or 0)))
                found[name].append(float(np.dot(source, track_embedding(heard))))
    for name, likenesses in found.items():
        same = np.mean(np.array(likenesses) >= SAME_LIKENESS)
        print(
            f"{name}: {len(likenesses)} rips, likeness {np.median(likenesses):.4f} in the middle, "
            f"least {min(likenesses):.4f}, {same:.0%} from {SAME_LIKENESS}"
        )
    print(f"lengths differ by {longer:.2f} s at most")
    pairs = [
        float(np.dot(one.embedding, other.embedding))
        for place, one in enumerate(tracks)
        for other in tracks[place + 1 :]
        if abs((one.result.duration_s or 0) - (other.result.duration_s or 0)) <= SAME_LENGTH_S
    ]
    most = np.sort(pairs)[::-1]
    print(f"{len(pairs)} pairs of different tracks of one length: likeness "
          f"{most[0]:.4f}, {most[1]:.4f}, {most[2]:.4f} at most; "
          f"{np.mean(most >= SAME_LIKENESS):.4%} from {SAME_LIKENESS}")  # fmt: skip


if __name__ == "__main__":
    main()
