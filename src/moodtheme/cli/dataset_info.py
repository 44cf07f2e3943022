"""What ``moodtheme dataset info`` prints for people."""

from moodtheme.datasets.summary import Summary


def print_summary(source: str, summary: Summary, present: int | None) -> None:
    """Print a summary; ``present`` counts the files there, None where they have no place."""

    def hours(value: float | None) -> str:
        return "unknown" if value is None else f"{value:.1f}"

    print(f"{source}: {summary.tracks} tracks, {len(summary.tags)} tags")
    print(f"hours: {hours(summary.hours)}")
    print(f"artists: {summary.artists or 'unknown'}, albums: {summary.albums or 'unknown'}")
    print(f"tags a track: {summary.tags_per_track:.2f} ({summary.tracks_without_tags} without)")
    if present is not None:
        print(f"files here: {present} of {summary.tracks}")
    print()
    print("split       tracks      hours    artists")
    for part in summary.parts:
        name = part.split or "none"
        print(f"{name:<11}{part.tracks:>7}{hours(part.hours):>11}{part.artists or 'unknown':>11}")
    if summary.overlaps:
        print()
        _print_overlaps(summary)
    print()
    splits = list(summary.tags[0].by_split) if summary.tags else []
    width = max((len(tag.tag) for tag in summary.tags), default=3) + 1
    print(f"{'tag':<{width}}{'tracks':>7}" + "".join(f"{name:>11}" for name in splits))
    for tag in summary.tags:
        print(
            f"{tag.tag:<{width}}{tag.tracks:>7}"
            + "".join(f"{tag.by_split[name]:>11}" for name in splits)
        )
    for name, tags in summary.tags_without_positives.items():
        print(f"no track of {name} has the tag {', '.join(tags)}")


def _print_overlaps(summary: Summary) -> None:
    if summary.tracks_without_artist:
        print(f"artists: not known of {summary.tracks_without_artist} tracks, so not checked there")
    for overlap in summary.overlaps:
        for what, known, names in (
            ("artists", summary.artists, overlap.artists),
            ("albums", summary.albums, overlap.albums),
        ):
            if known:
                some = f": {', '.join(names[:5])}" + (" …" if len(names) > 5 else "")
                there = f"{what} in both {overlap.first} and {overlap.second}: {len(names)}"
                print(there + (some if names else ""))
