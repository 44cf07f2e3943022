"""``moodtheme doctor``: what works here, and what to do about what does not."""

from typing import Annotated

import typer


def doctor(json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Check decoders, accelerators and models by using them; exit 1 if tagging is impaired."""
    import dataclasses
    from json import dumps

    from moodtheme.cli.checkup import Status, examine

    findings = []
    for finding in examine():
        findings.append(finding)
        if not json:
            typer.echo(
                f"{finding.status:<8} {finding.topic:<12} {finding.name:<18} {finding.detail}"
            )
            if finding.advice:
                typer.echo(f"{'':<8} {'':<12} {'':<18} → {finding.advice}")
    if json:
        typer.echo(dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    if any(finding.status is Status.FAILED for finding in findings):
        raise typer.Exit(1)
