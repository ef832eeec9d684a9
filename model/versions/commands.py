"""`dmr models`: the versions, what is known of them, which is active, and one for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ...annotate.console import progress, reporting, show
from ...annotate.report import Report
from ...annotate.session import pass_workspace
from ...annotate.wording import counted

if TYPE_CHECKING:
    from ...annotate.workspace import Workspace


@click.group()
def models() -> None:
    """List, describe, promote and export model versions."""


@models.command(name="list")
@reporting
@pass_workspace
def list_(workspace: Workspace) -> Report:
    """List the versions, the active one marked."""
    from ...annotate.errors import ModelError
    from ..network.checkpoint import read_card

    report = Report("models list")
    with workspace.catalogue() as catalogue:
        known = catalogue.models()
    report.data["models"] = []
    for model in known:
        try:
            details = read_card(workspace.models_folder / model.id).details
        except ModelError as error:
            report.fail(error)
            continue
        mean = (details.get("validation") or {}).get("mean") or {}
        dice = mean.get("dice")
        frames = details["data"]["train"]["frames"]
        verdict = (details.get("verdict") or {}).get("verdict")
        report.data["models"].append(
            {
                "id": model.id,
                "state": model.state,
                "trained_on": frames,
                "validation_dice": dice,
                "verdict": verdict,
            }
        )
        told = ("unknown" if dice is None else f"{dice:.3f}") + (", has learnt nothing" if verdict == "nothing" else "")
        seen = counted(frames, "frames")
        show(f"{model.id:<6} {model.state:<10} {details['trained_at'][:10]}  {seen}  validation Dice {told}")
    if not known:
        report.say("No model yet: make one with `dmr train`.")
    return report


@models.command()
@click.argument("model", required=False)
@reporting
@pass_workspace
def info(workspace: Workspace, model: str | None) -> Report:
    """Show a version's card, its size and its arithmetic."""
    import json

    from ..computing.device import pick_device
    from ..network.checkpoint import CARD
    from ..network.dmrnet import multiply_adds, parameter_count
    from .load import load_version

    report = Report("models info")
    with workspace.catalogue() as catalogue:
        version, network, _ = load_version(workspace, catalogue, model=model, device=pick_device("cpu"))
    card = json.loads((workspace.models_folder / version / CARD).read_text(encoding="utf-8"))
    parameters = parameter_count(network)
    work = multiply_adds(network, size=card["input"])
    report.data |= {"card": card, "parameters": parameters, "multiply_adds": work}
    show(
        f"{version}: {card['network']}, {parameters:,} parameters, {work / 1e9:.2f} G multiply-adds a frame of "
        f"{card['input']} x {card['input']}\n"
    )
    calibration = {k: v for k, v in (card.get("calibration") or {}).items() if k != "curves"}
    shown = card | ({"calibration": calibration} if calibration else {})  # points by the dozen: --json has them
    show(json.dumps(shown, indent=2, ensure_ascii=False))
    return report


@models.command()
@click.argument("model", required=False)
@click.option("--to", "folder", type=click.Path(path_type=Path, file_okay=False), help="Where to [default: exports/].")
@reporting
@pass_workspace
def export(workspace: Workspace, model: str | None, folder: Path | None) -> Report:
    """Write a version as ONNX, checked to compute the same.

    Its card is written beside it.
    """
    import shutil

    from ..computing.device import pick_device
    from ..network.checkpoint import CARD
    from .export import export_onnx, parity
    from .load import load_version

    report = Report("models export")
    with progress() as tell:
        tell("Loading the model", 0, None)
        with workspace.catalogue() as catalogue:
            version, network, card = load_version(workspace, catalogue, model=model, device=pick_device("cpu"))
        target = (folder or Path("exports")) / f"{card.network}-{version}"
        target.mkdir(parents=True, exist_ok=True)
        path, unchecked = target / "network.onnx", target / "unchecked.onnx"
        try:
            tell("Writing ONNX", 0, None)
            export_onnx(network, unchecked, size=card.input)
            difference = parity(
                network, unchecked, size=card.input, on_progress=lambda n, of: tell("Checking frames", n, of)
            )
            unchecked.replace(path)
        finally:
            unchecked.unlink(missing_ok=True)
    shutil.copyfile(workspace.models_folder / version / CARD, target / CARD)
    report.data |= {"model": version, "path": path.as_posix(), "largest_difference": difference}
    report.say(f"{path}: its logits differ by {difference:.1e} at most from the network's.")
    return report


@models.command()
@click.option("--because", default="rollback", show_default=True, help="Why; it is kept.")
@reporting
@pass_workspace
def rollback(workspace: Workspace, because: str) -> Report:
    """Go back to the version that was active before."""
    from ...annotate.errors import ModelError
    from ..computing.device import pick_device
    from .load import load_version

    report = Report("models rollback")
    with workspace.lock(), workspace.catalogue() as catalogue:
        active = catalogue.active_model()
        before = catalogue.model_before()
        if active is None or before is None:
            raise ModelError("models", "there is no earlier active model to go back to", "See `dmr models list`")
        load_version(workspace, catalogue, model=before, device=pick_device("cpu"))  # it is whole, or refused here
        catalogue.activate(before, reason=because)
    report.say(f"{before} is the active model again, instead of {active.id}. Next: `dmr push` sends its drafts.")
    return report


@models.command()
@click.argument("model")
@click.option("--because", required=True, help="Why; it is kept.")
@reporting
@pass_workspace
def promote(workspace: Workspace, model: str, because: str) -> Report:
    """Make a version the active one."""
    from ...annotate.errors import UsageError
    from ..computing.device import pick_device
    from .load import load_version
    from .verdict import learnt_nothing

    report = Report("models promote")
    if not because.strip():
        raise UsageError("--because", "says nothing", "Say why: it is kept")
    with workspace.lock(), workspace.catalogue() as catalogue:
        load_version(workspace, catalogue, model=model, device=pick_device("cpu"))  # it is whole, or refused here
        active = catalogue.active_model()
        if active is not None and active.id == model:
            report.say(f"{model} is the active model already; nothing was changed.")
            return report
        catalogue.activate(model, reason=because)
    report.say(f"{model} is the active model now.")
    if learnt_nothing(workspace.models_folder / model):
        report.say("By its card it has learnt nothing: its drafts will be empty or useless. Next: train longer.")
    return report
