"""All strategies by name; `order.py` asks them."""

from __future__ import annotations

from typing import Final

from .badge import badge
from .bald import bald
from .clasp_pe import clasp_pe
from .coreset import coreset
from .entropy import entropy
from .foreground import foreground
from .informative import Parts, informative
from .margin import margin
from .pool import Choice, Labelled, Pool, Strategy
from .power_bald import power_bald
from .random import at_random
from .stratified import stratified
from .typiclust import typiclust

STRATEGIES: Final[dict[str, Strategy]] = {
    "informative": informative,
    "random": at_random,
    "stratified": stratified,
    "foreground": foreground,
    "entropy": entropy,
    "margin": margin,
    "bald": bald,
    "power-bald": power_bald,
    "coreset": coreset,
    "typiclust": typiclust,
    "badge": badge,
    "clasp-pe": clasp_pe,
}
BASELINE: Final = "foreground"

__all__ = ["BASELINE", "STRATEGIES", "Choice", "Labelled", "Parts", "Pool", "Strategy", "informative"]
