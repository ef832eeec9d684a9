"""`dmr models`: list, describe, promote, roll back and export model versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...annotate.console import reporting, show
from ...annotate.report import Report
from ...annotate.session import at_work, pass_workspace
from ...annotate.wording import counted

if TYPE_CHECKING:
    from ...annotate.workspace import Workspace
    from .manage import VersionRow


@click.group()
def models() -> None:
    """List, describe, promote and export model versions."""


@models.command(name="list")
@reporting
@pass_workspace
def list_(workspace: Workspace) -> Report:
    """List the versions, and say which one is active."""
    from ...annotate.render.text_table import text_table
    from .manage import version_rows

    report = Report("models list")
    with workspace.session(report=report) as s:
        rows = version_rows(s)
        known = s.catalogue.models()
    keys = ("id", "state", "trained_on", "validation_dice", "verdict")
    report.data["models"] = [{key: getattr(row, key) for key in keys} for row in rows]
    if rows:
        show(text_table([_told(row) for row in rows], align="<", widths=(5, 9)))
    if not known:
        report.say("No model yet: make one with `dmr train`.")
    return report


def _told(row: VersionRow) -> tuple[str, str, str, str]:
    dice = "unknown" if row.validation_dice is None else f"{row.validation_dice:.3f}"
    learnt = ", has learnt nothing" if row.verdict == "nothing" else ""
    seen = counted(row.trained_on, "frames")
    return row.id, row.state, row.trained_at[:10], f"{seen}  validation Dice {dice}{learnt}"


@models.command()
@click.argument("model", required=False)
@reporting
@pass_workspace
def info(workspace: Workspace, model: str | None) -> Report:
    """Show a version's card, its parameters and its multiply-adds."""
    import json

    from .manage import version_info

    report = Report("models info")
    with workspace.session(report=report, device="cpu") as s:
        found = version_info(s, model=model)
    card = found.card
    report.data |= {"card": card, "parameters": found.parameters, "multiply_adds": found.multiply_adds}
    show(
        f"{found.id}: {card['network']}, {found.parameters:,} parameters, {found.multiply_adds / 1e9:.2f} G "
        f"multiply-adds a frame of {card['input']} x {card['input']}\n"
    )
    calibration = {k: v for k, v in (card.get("calibration") or {}).items() if k != "curves"}
    shown = card | ({"calibration": calibration} if calibration else {})  # --json shows the curves' many points
    show(json.dumps(shown, indent=2, ensure_ascii=False))
    return report


@models.command()
@click.argument("model", required=False)
@click.option(
    "--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Folder to write to [default: exports/]."
)
@reporting
@pass_workspace
def export(workspace: Workspace, model: str | None, folder: Path | None) -> Report:
    """Write a version as ONNX, and check that it computes the same.

    The version's card is written beside it.
    """
    from .manage import export_version

    report = Report("models export")
    with at_work(workspace, report, device="cpu") as s:
        version, path, difference = export_version(s, model=model, folder=folder or Path("exports"))
    report.data |= {"model": version, "path": path.as_posix(), "largest_difference": difference}
    report.say(f"{path}: its logits differ from the network's by at most {difference:.1e}.")
    return report


@models.command()
@click.option("--because", default="rollback", show_default=True, help="Reason for the change; it is recorded.")
@reporting
@pass_workspace
def rollback(workspace: Workspace, because: str) -> Report:
    """Go back to the version that was active before."""
    from .manage import roll_back

    report = Report("models rollback")
    with workspace.session(write=True, report=report, device="cpu") as s:
        now, before = roll_back(s, because=because)
    report.say(f"{now} is the active model again, instead of {before}. Next: `dmr push` sends its drafts.")
    return report


@models.command()
@click.argument("model")
@click.option("--because", required=True, help="Reason for the change; it is recorded.")
@reporting
@pass_workspace
def promote(workspace: Workspace, model: str, because: str) -> Report:
    """Make a version the active one."""
    from .manage import promote_version
    from .verdict import learnt_nothing

    report = Report("models promote")
    with workspace.session(write=True, report=report, device="cpu") as s:
        changed = promote_version(s, model, because=because)
    if not changed:
        report.say(f"{model} is the active model already; nothing was changed.")
        return report
    report.say(f"{model} is the active model now.")
    if learnt_nothing(workspace.models_folder / model):
        report.say("Its card says that it has learnt nothing: its drafts will be empty or useless. Next: train longer.")
    return report
