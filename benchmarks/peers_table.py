"""Make a table, a figure and a record from the runs of `peers.py`, at any time.

Rows of folds say why a setting was chosen. Rows of test patients are the result.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from parts import lines
from record import RESULTS, record

from dmr.model.training.train import NETWORK

OURS = "dmrnet_s"
CLASSES = ("nerve", "muscle", "artery", "vein")
RESAMPLES = 10_000
Floats = NDArray[np.float64]


def load() -> tuple[pd.DataFrame, pd.DataFrame]:
    """All runs, a row each; and their sums of Dice by patient and class."""
    rows = sorted(lines("peers"), key=lambda row: str(row["run"]))
    patients = [{"run": row["run"], **p} for row in rows for p in row.pop("patients")]
    return pd.DataFrame(rows).fillna({"changes": "", "design": ""}), pd.DataFrame(patients)


def by_patient(patients: pd.DataFrame, runs: Sequence[str], order: Sequence[int]) -> tuple[Floats, Floats]:
    """The sums of Dice, averaged over runs, and the numbers of frames; both `(patients, classes)`."""
    own = patients[patients["run"].isin(runs)]
    index = pd.MultiIndex.from_product([order, CLASSES], names=["patient", "class"])
    grouped = own.groupby(["patient", "class"])
    sums = grouped["dice_sum"].sum().reindex(index, fill_value=0).to_numpy().reshape(len(order), -1) / len(runs)
    frames = grouped["frames"].first().reindex(index, fill_value=0).to_numpy().reshape(len(order), -1)
    return sums, frames.astype(float)


def mean_dice(sums: Floats, frames: Floats, weights: Floats) -> Floats:
    """Dice per image, averaged over classes, for each row of patients' weights."""
    total = weights @ frames
    dice = np.divide(weights @ sums, total, out=np.full_like(total, np.nan), where=total > 0)
    return np.asarray(np.nanmean(dice, axis=1))


def compare(rows: pd.DataFrame, patients: pd.DataFrame) -> list[dict[str, Any]]:
    """Each network on the test patients, averaged over its seeds, and ours minus it.

    The interval comes from a paired bootstrap over patients.
    """
    order = sorted(patients[patients["run"].isin(rows["run"])]["patient"].unique())
    rng = np.random.default_rng(0)
    once = np.ones((1, len(order)))
    drawn = rng.multinomial(len(order), np.full(len(order), 1 / len(order)), RESAMPLES).astype(float)
    runs = {str(n): g for n, g in rows.groupby("network", sort=False)}
    sums = {n: by_patient(patients, list(g["run"]), order) for n, g in runs.items()}
    found = []
    for name, group in runs.items():
        row: dict[str, Any] = {
            "network": name,
            "seeds": len(group),
            "parameters": int(group["parameters"].iloc[0]),
            "learning_rate": float(group["learning_rate"].iloc[0]),
            "dice_mean": round(float(group["dice_mean"].mean()), 4),
            "dice_sd_over_seeds": round(float(group["dice_mean"].std(ddof=1)), 4) if len(group) > 1 else None,
            **{f"dice_{c}": round(float(group[f"dice_{c}"].mean()), 4) for c in CLASSES},
            "hd95_mean": round(float(group["hd95_mean"].mean()), 1),
        }
        if name != OURS and OURS in sums:
            change = mean_dice(*sums[OURS], drawn) - mean_dice(*sums[name], drawn)
            value = mean_dice(*sums[OURS], once)[0] - mean_dice(*sums[name], once)[0]
            low, high = np.quantile(change, [0.025, 0.975])
            row |= {"ours_minus": round(float(value), 4), "low": round(float(low), 4), "high": round(float(high), 4)}
        found.append(row)
    return sorted(found, key=lambda r: -r["dice_mean"])


def figure(table: Sequence[dict[str, Any]], rows: pd.DataFrame, path: Path) -> None:
    """Draw each network's Dice by class on the test patients, a dot for each seed, and ours minus each peer."""
    from matplotlib.figure import Figure

    made = Figure(figsize=(11, 3.6), dpi=120, layout="constrained")
    left, right = made.subplots(1, 2, width_ratios=[3, 2])
    names = [str(r["network"]) for r in table]
    colors = {"nerve": "#E69F00", "muscle": "#0072B2", "artery": "#D55E00", "vein": "#56B4E9", "mean": "#222222"}
    for k, name in enumerate(names):
        own = rows[rows["network"] == name]
        for j, (c, color) in enumerate(colors.items()):
            y = own[f"dice_{c}"]
            left.plot(y, [k + 0.12 * (j - 2)] * len(y), "o", color=color, markersize=4, label=c if k == 0 else None)
    left.set_yticks(range(len(names)), names)
    left.invert_yaxis()
    left.set_xlabel("Dice per image, test patients; a dot a seed")
    left.grid(axis="x", alpha=0.3)
    made.legend(loc="outside upper left", ncols=len(colors), fontsize=8, frameon=False)
    against = [r for r in table if "ours_minus" in r]
    for k, r in enumerate(against):
        right.plot([r["low"], r["high"]], [k, k], color="#0072B2")
        right.plot([r["ours_minus"]], [k], "o", color="#0072B2")
    right.set_yticks(range(len(against)), [str(r["network"]) for r in against])
    right.invert_yaxis()
    right.axvline(0, color="black", linewidth=0.8)
    right.axvline(-0.02, color="black", linewidth=0.8, linestyle=":")
    right.set_xlabel(f"mean Dice: {OURS} minus it")
    right.grid(axis="x", alpha=0.3)
    made.savefig(path)


def test_reads() -> int:
    """How often a network was scored on the test patients, in all recorded benchmarks."""
    rows, _ = load()
    reads = int((rows["on"] == "test").sum()) if len(rows) else 0
    reads += sum(str(row["scored"]) == "test" for row in lines("train"))
    best = RESULTS / "best.json"
    return reads + (len(json.loads(best.read_text(encoding="utf-8"))["rows"]) if best.exists() else 0)


def main() -> None:
    rows, patients = load()
    folds = rows[rows["on"] != "test"]
    dice = ["dice_mean", *(f"dice_{c}" for c in CLASSES)]
    chosen_by = folds.groupby(["network", "design", "steps", "input", "changes", "on"], dropna=False)[dice].mean()
    print(chosen_by.reset_index().to_string(index=False))
    newest = rows["design"].isin(["", str(NETWORK)])
    scored = rows["on"] == "test"
    matched = (rows["changes"] == "") & (rows["input"] == 128) & ~rows["network"].str.endswith("_native")
    tested = rows[scored & matched & newest]
    if tested.empty:
        print("No run on the test patients yet.")
        return
    tested = tested[tested["steps"] == tested["steps"].max()]
    table = compare(tested, patients)
    columns = ["network", "design", "seed", "steps", "input", "changes", "parameters", *dice]
    others: Any = rows.loc[scored & ~rows["run"].isin(tested["run"]), columns].to_dict("records")
    print(pd.DataFrame(table).to_string())
    figure(table, tested, RESULTS / "peers.png")
    ours = next((r for r in table if r["network"] == OURS), None)
    peers = [r for r in table if r["network"] != OURS]
    if ours is None or not peers:
        return
    plain = next((r for r in peers if r["network"] == "unet"), None)
    headline = {
        "dice_dmrnet": ours["dice_mean"],
        "dice_nerve": ours["dice_nerve"],
        "dice_best_peer": peers[0]["dice_mean"],
        "margin_low": peers[0]["low"],
        **({"margin_low_unet": plain["low"]} if plain else {}),
        "test_reads": test_reads(),
    }
    print(headline)
    print(pd.DataFrame(others).to_string())
    print(record("peers", headline=headline, rows=[*table, *({"beside": "the table", **other} for other in others)]))


if __name__ == "__main__":
    main()
