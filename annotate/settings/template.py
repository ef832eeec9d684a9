"""The `dmr.toml` that `dmr init` writes, with a comment on each key."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from ..classes import PALETTE, ClassDef

SHAMROCK_CLASSES = (
    ClassDef(1, "psoas_major", ("yaodaji",), PALETTE[0], 10),
    ClassDef(2, "quadratus_lumborum", ("yaofangji",), PALETTE[3], 10),
    ClassDef(3, "erector_spinae", ("shujiji",), PALETTE[2], 10),
    ClassDef(4, "transverse_process", ("hengtu",), PALETTE[5], 20),
    ClassDef(5, "vertebral_body", ("zhuiti",), PALETTE[4], 20),
    ClassDef(6, "lumbar_plexus", ("yaocong",), PALETTE[6], 30, inside="psoas_major"),
)
"""The structures of the Shamrock view, for which DMRNet was made. The alias is the Chinese name in pinyin."""

_HEAD = r"""# Settings of this workspace. A missing key has the value written here, with two exceptions: there are no
# classes without a [[class]], and without a patient pattern every patient is unknown.
format = 1

[import]
# A regular expression for file names without their ending, here PATIENT_FRAME. You may add a group (?P<clip>...);
# without it, all frames of a patient are one clip. If a name does not match, the patient is unknown: such frames are
# used for training, never for testing.
patient = '^(?P<patient>\d+)_(?P<frame>\w+)$'
# "drawn": a class that is not drawn was perhaps not looked for. "all": a class that is not drawn is absent.
coverage = "drawn"
# Labels to leave out, such as ["jizhu"]. Their shapes are counted, and the coverage stays as it is.
ignore = []

[geometry]
spacing_mm = "from-tags"    # or [row, column], millimetres a pixel, for every frame

# The classes. Never give an id to another structure; a renamed class keeps its id. `retired = true` takes a class out
# of use. z: in a mask, higher covers lower. inside: the class whose structures contain this one's.
"""

_TAIL = """
# The share of the patients that each split should get; the sum is 1. A patient stays in its split for good.
[split]
train = 0.7
validation = 0.1
test = 0.2

# Which frames to draw next. The strategies are "informative", "random", "stratified", "foreground", "entropy",
# "margin", "bald", "power-bald", "coreset", "typiclust", "badge", "clasp-pe"; the guide says what each does.
[select]
strategy = "informative"
frames_per_round = 50
planned_rounds = 8          # the noise in the ranking decays over so many rounds
per_clip_per_round = 2      # most frames of a clip in a round, as long as other clips have frames
# per_patient_per_round = 5 # the same for a patient; left out: no limit
audit_share = 0.12          # share of a round that is drawn at random, to measure how good the drafts are

# Parts of "informative". A part that is left out here is as dmr thinks best.
[select.parts]
# eligible = true           # leave out near-copies, and keep the cap a clip
# typical = true            # without a model, begin with typical frames
# classes = true            # share most of a round out over the classes
# need = true               # give more of it to classes that are drawn badly
# noise = true              # shuffle the order a little, less in later rounds
# diversity = true          # prefer frames that are unlike those chosen before
# spread = true             # let patients take turns, those with the fewest outlined frames first
# time = true               # prefer frames that take less time
# audit = true              # draw a slice of each round at random
# reasons = true            # give a sentence for each frame
# fallback = true           # draw at random instead, if the audit shows that choosing does not pay
# again = true              # rank frames to be drawn again (`dmr check --labels`) beside the new ones

[train]
size = "s"                  # "s" for a processor, "m" or "l" for a graphics card
seed = 0
# input = 256               # side of the square input in pixels, a multiple of 32; left out: what this PC has time for
# epochs = 100              # limits; without any of them a training ends within the hour
# minutes = 30

# A new model is promoted if it surely loses no more Dice than margin overall, and class_margin in each class.
[gate]
margin = 0.03
class_margin = 0.05

# Two readers of a frame disagree if one draws a class that the other says is absent, or if the Dice of their outlines
# is below agree_dice. Until `dmr conflicts` or an adjudication settles it: "leave-out" takes the frame out of training,
# validation and test; "consensus" counts the classes on which they agree, as the first reader drew them.
[conflict]
agree_dice = 0.7
use = "leave-out"
# [[conflict.class]]        # a class with a value of its own, such as a small nerve
# name = "lumbar_plexus"
# agree_dice = 0.5

# Label Studio. Its token is never written here, only in the keyring, the environment, or a file for its owner alone.
# [studio]
# url = "http://127.0.0.1:8080"
# retrain_after = 0         # new outlines after which `dmr serve` starts a `dmr retrain` by itself; 0: never
# [[studio.queue]]
# name = "main"
# purpose = "correct"       # or "second-reading", "adjudication", "repeat": a project each; see the guide
# reader = "..@.."          # e-mail of whose queue it is; left out: anybody's

# The database is catalogue.sqlite in this folder, or a PostgreSQL server:
# [catalogue]
# url = "postgresql+psycopg://host/name"
"""


def default_toml(
    classes: Sequence[ClassDef] | None = None,
    *,
    patient: str | None = None,
    coverage: str | None = None,
    ignore: Sequence[str] = (),
    split: Mapping[str, float] | None = None,
) -> str:
    """The text of a new `dmr.toml`.

    Args:
        classes: None for those of the Shamrock view.
        patient: `[import] patient`; None for PATIENT_FRAME, an empty text for no pattern: every patient is unknown.
        coverage: `[import] coverage`; None for `drawn`.
        ignore: `[import] ignore`.
        split: `[split]`, a share for each key; None for the usual shares.
    """
    head = _HEAD.replace("ignore = []", f"ignore = {toml_value(list(ignore))}")
    if patient == "":
        head, patient = re.sub(r"^(?=patient = )", "# ", head, flags=re.MULTILINE), None
    for key, value in (("patient", patient), ("coverage", coverage)):
        if value is not None:
            text = f"'{value}'" if "'" not in value else json.dumps(value, ensure_ascii=False)
            line = f"{key} = {text}".replace("\\", "\\\\")
            head = re.sub(rf"^{key} = .*$", line, head, flags=re.MULTILINE)
    tail = _TAIL
    for key, share in (split or {}).items():
        tail = re.sub(rf"^{key} = 0\.\d$", f"{key} = {share}", tail, flags=re.MULTILINE)
    return head + "\n".join(map(_class_table, SHAMROCK_CLASSES if classes is None else classes)) + tail


def _class_table(c: ClassDef) -> str:
    values: dict[str, object] = {"id": c.id, "name": c.name, "aliases": list(c.aliases), "color": c.color, "z": c.z}
    if c.inside is not None:
        values["inside"] = c.inside
    if c.retired:
        values["retired"] = True
    lines = [f"{key} = {toml_value(value)}" for key, value in values.items()]
    return "\n".join(["[[class]]", *lines, ""])


def toml_value(value: object) -> str:
    """A number, text or boolean, or a list of them, in TOML's form."""
    # JSON writes them like TOML; DEL is the only character that TOML escapes and JSON does not.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
