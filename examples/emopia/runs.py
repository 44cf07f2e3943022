"""What each training run was and cost, as a table.

    python examples/emopia/runs.py runs/soundnet-gru runs/ds-1s-gru ...

Minutes are wall-clock time of the training epochs, on whatever else the machine was doing.
"""

import argparse
from pathlib import Path

from moodtheme.recipes import describe, find_recipe
from moodtheme.training.run_folder import read_result, read_run


def settings_that_differ(folder: Path) -> str:
    """What the run's recipe sets otherwise than the paper's recipe does."""
    recipe = read_run(folder).recipe
    usual = {setting.name: setting.value for setting in describe(find_recipe(recipe.system))}
    changed = [
        f"{setting.name.rpartition('.')[2]}={setting.value}"
        for setting in describe(recipe)
        if usual[setting.name] != setting.value
    ]
    return ", ".join(changed) or "none"


def row(folder: Path) -> str:
    """One line of the table."""
    run, result = read_run(folder), read_result(folder)
    memory = "" if result.peak_memory_bytes is None else f"{result.peak_memory_bytes / 1e9:.1f}"
    cells = [
        folder.name,
        run.recipe.system,
        settings_that_differ(folder),
        f"{100 * result.validation_roc_auc:.1f}",
        f"{result.best_epoch} of {result.epochs}",
        f"{result.training_s / 60:.0f}",
        memory,
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path, help="folders of finished runs")
    print("| run | system | set otherwise | validation ROC-AUC | best epoch | minutes | GB |")
    print("|---|---|---|---|---|---|---|")
    for folder in parser.parse_args().runs:
        print(row(folder))


if __name__ == "__main__":
    main()
