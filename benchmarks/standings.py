"""How often what stands out is right; writes docs/standings.md and its picture.

    python benchmarks/standings.py --shared ../shared [--model moodtheme-small] [--docs docs]

From the official truth of MTG-Jamendo's mood/theme test split and the baseline's published scores,
both in the reference material; no audio is needed. What stands out from where, and which tags are
one, is the model's. Prints the page.
"""

import argparse
from pathlib import Path
from textwrap import fill

import numpy as np

from moodtheme import Tagger
from moodtheme.distillation.official import (
    Official,
    Reliability,
    cross_validated,
    evidence_at,
    read_official,
    reliability,
)
from moodtheme.tagging.bundle import Bundle, Evidence
from moodtheme.tagging.in_words import STRONG_STANDINGS

PICTURE = "images/reliability-of-probabilities.png"
NEVER_AT = 0.95


def main() -> None:
    """Write the page and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--model", default="moodtheme-small")
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    options = parser.parse_args()
    jamendo = options.shared / "jamendo"
    official = read_official(
        jamendo / "groundtruth-test.npy",
        options.shared / "published" / "teams2019" / "baseline-vggish.npy",
        jamendo / "split-0" / "autotagging_moodtheme-test.tsv",
    )
    bundle = Tagger.load(options.model).bundle
    after = cross_validated(official)
    diagrams = {
        "published scores": reliability(official, official.scores),
        "probabilities": reliability(official, after),
    }
    draw(diagrams, options.docs / PICTURE)
    text = page(official, bundle, diagrams)
    (options.docs / "standings.md").write_text(text, encoding="utf-8")
    print(text)


def from_where(bundle: Bundle) -> list[float | None]:
    """By tag, the standing from which the model says that it stands out; None for never."""
    assert bundle.thresholds is not None
    rows = zip(bundle.thresholds.values, bundle.thresholds.evidence, strict=True)
    return [None if value >= 1 else evidence.standing for value, evidence in rows]


def page(official: Official, bundle: Bundle, diagrams: dict[str, Reliability]) -> str:
    """The whole page."""
    own = from_where(bundle)
    levels = sorted({level or NEVER_AT for level in own} | {0.93, *STRONG_STANDINGS})
    at = {level: evidence_at(official, level) for level in levels}
    out = [tag for tag, level in enumerate(own) if level is not None]
    lifts = [at[own[tag] or 0][tag].lift for tag in out]
    unsure = [bundle.tags[t] for t in out if at[own[t] or 0][t].interval[0] <= 1]
    tracks, tags = official.truth.shape
    return "\n\n".join(
        [
            "# How often what stands out is right",
            wrapped(
                f"Written by `benchmarks/standings.py` for `{bundle.name}` "
                f"({bundle.digest[:8]}). The truth is what uploaders said of the {tracks:,} tracks "
                f"of MTG-Jamendo's mood/theme test split, by {len(set(official.artists)):,} "
                "artists; they name few moods, so a tag that is missing may still be true. Their "
                "sound is not to be had here: the standings are those of the baseline's published "
                "scores among these tracks. So the tables say how often a standing is right "
                "**as far as the model ranks as the baseline does, on music like this**; for what "
                "listeners' answers shaped they say too little. Intervals are 95 %, over 1,000 "
                "resamples of artists."
            ),
            "## Tag by tag",
            wrapped(
                f"A tag stands out from the standing in the second column on. Of so many tracks "
                "that stand so high, so many carry the tag; *lift* is how many times more often "
                "that is than in any track, and the last two columns say the same of `++` and "
                f"`+++`. {len(out)} of {tags} tags stand out somewhere, with a lift of "
                f"{np.median(lifts):.1f} in the median, {min(lifts):.1f} to {max(lifts):.1f}. The "
                f"truth cannot tell for {len(unsure)} of them, whose intervals reach 1 or below: "
                f"{', '.join(unsure)}; they stand out because listeners' answers shaped them "
                "([model card](model-card.md#standing-probability-decision)). `never` are those "
                f"that the truth does not support; their figures are for {NEVER_AT}. The same "
                f"stands in the bundle (`moodtheme models info {bundle.name} --json`, "
                "`thresholds`)."
            ),
            table_of_tags(official, bundle, own, at),
            "## Tags that are one",
            wrapped(
                "Tags whose scores the model cannot tell apart (a correlation of 0.95 or more over "
                "its reference) are one in its table. People do tell them apart: the last column "
                "is how often a track of the test split with one tag of the group carries another "
                "of it, on average over pairs."
            ),
            table_of_groups(official, bundle),
            "## Probabilities",
            wrapped(
                "Platt's calibration, a slope and an intercept a tag, fitted on other artists than "
                "those it is shown for (five folds). Expected calibration error, over all pairs of "
                "track and tag in 15 bins of equally many (its interval lies high, as resampling "
                "adds noise to each bin):"
            ),
            "| | expected calibration error |\n|---|---|\n"
            + "\n".join(
                f"| {name} | {d.error[0]:.4f} [{d.error[1]:.4f}, {d.error[2]:.4f}] |"
                for name, d in diagrams.items()
            ),
            f"![Said and true, before and after calibration]({PICTURE})",
            wrapped(
                "Most pairs have a small probability and none of the tags, so errors are small "
                "before as after; what calibration mends is the right end, and that tags become "
                "comparable."
            ),
        ]
    ) + "\n"  # fmt: skip


def table_of_tags(
    official: Official,
    bundle: Bundle,
    own: list[float | None],
    at: dict[float, tuple[Evidence, ...]],
) -> str:
    """What stands out from where, and how often that is right."""
    lines = [
        "| tag | from | any track | standing so high | carry it | lift | `++` | `+++` |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for tag, name in enumerate(bundle.tags):
        here = at[own[tag] or NEVER_AT][tag]
        share = official.truth[:, tag].mean()
        strong = " | ".join(f"{at[level][tag].lift:.1f}" for level in STRONG_STANDINGS)
        lines.append(
            f"| {name} | {own[tag] or 'never'} | {share:.1%} | {here.tracks} | "
            f"{here.carry} ({here.carry / here.tracks:.0%}) | {here.lift:.1f} "
            f"[{here.interval[0]:.1f}, {here.interval[1]:.1f}] | {strong} |"
        )
    return "\n".join(lines)


def table_of_groups(official: Official, bundle: Bundle) -> str:
    """Groups of tags, and how often people give two of a group to one track."""
    lines = ["| one to the model | people give both |", "|---|---|"]
    for group in bundle.synonyms:
        columns = official.truth[:, [bundle.tags.index(tag) for tag in group]]
        both = [
            (columns[:, a] & columns[:, b]).sum() / columns[:, a].sum()
            for a in range(len(group))
            for b in range(len(group))
            if a != b
        ]
        lines.append(f"| {', '.join(group)} | {np.mean(both):.0%} |")
    return "\n".join(lines)


def draw(diagrams: dict[str, Reliability], path: Path) -> None:
    """Reliability diagrams side by side."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.4), layout="constrained")
    panels = figure.subplots(1, len(diagrams), sharex=True, sharey=True)
    for panel, (name, found) in zip(panels, diagrams.items(), strict=True):
        panel.plot([1e-4, 1], [1e-4, 1], color="#888888", linewidth=0.8, linestyle=":")
        spread = np.abs(np.stack([found.true - found.low, found.high - found.true]))
        panel.errorbar(
            found.said, found.true, yerr=spread, fmt="o-", color="#4477AA", markersize=4,
            linewidth=1, capsize=2,
        )  # fmt: skip
        panel.set(
            xscale="log", yscale="log", xlim=(1e-3, 0.6), ylim=(1e-3, 0.6),
            title=f"{name}, error {found.error[0]:.4f}", xlabel="said",
        )  # fmt: skip
        panel.grid(color="#e5e5e5", linewidth=0.6)
    panels[0].set_ylabel("share of tracks that carry the tag")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def wrapped(text: str) -> str:
    """A paragraph of at most 100 columns."""
    return fill(" ".join(text.split()), 100, break_long_words=False, break_on_hyphens=False)


if __name__ == "__main__":
    main()
