"""A project's labelling interface: what can be drawn in it, and what people see around the image. Pure."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from xml.sax.saxutils import quoteattr

from ...classes import ClassDef, Classes
from .neighbours import STYLE

CONTROL: Final = "label"
ELLIPSE: Final = "ellipse"
ELLIPSES: Final = "EllipseLabels"
IMAGE: Final = "image"
NOTHING: Final = "nothing"
"""Name of the tick by which a physician says that none of the structures is to be seen."""
TICK: Final = "Nothing to see here"
INSTRUCTIONS: Final = (
    "<p>Correct the outlines that are drawn already: move, add or delete corners, delete what is not there, draw what "
    "is missing. Then <b>Submit</b>. A structure that you leave out counts as absent.</p>"
    "<ul>"
    "<li><b>Move a corner</b>: drag it. <b>Add one</b>: click on an edge. <b>Delete one</b>: double-click it.</li>"
    "<li><b>Draw</b>: press the number beside the name, then click around the structure; the last click is on the "
    "first corner. <b>Inside another outline</b>: hold <b>Ctrl</b> while you click.</li>"
    "<li><b>Draw a round structure</b>: press the letter beside the circle, then drag from the structure's centre "
    "outwards. Its handles stretch and turn it.</li>"
    "<li><b>Delete an outline</b>: click on it, then press Backspace. <b>Take back</b>: Ctrl+Z. <b>If another one is "
    "picked</b>: click on its name in the list on the right.</li>"
    f"<li><b>Nothing to see</b>: tick <b>{TICK}</b> (key 0), then submit. Without outlines and tick, a frame is "
    "not taken, even if you have deleted what was drawn.</li>"
    "<li><b>Submit</b>: Ctrl+Enter. <b>Skip</b> a frame that cannot be judged: Ctrl+Space.</li>"
    "</ul>"
    "<p>The sentence beside the image says why the frame is worth a look.</p>"
    "<p>The outlines are drafts of an annotation assistant for research and quality work, for review by a qualified "
    "physician. Not a medical device; not for diagnosis, needle guidance or unsupervised use.</p>"
)
OUTLINE_KEYS: Final = "123456789"
ELLIPSE_KEYS: Final = "asdfgzxct"  # no key of Label Studio's own; Shift with 1 and 2 changes the zoom
ELLIPSE_HINT: Final = "Ellipse: drag from the centre"
_HINTS: Final = (  # one text: each has a margin of its own
    "Hold Ctrl to draw inside another outline. The circle draws an ellipse: drag from the centre. Click on an edge to "
    "add a corner; double-click a corner to delete it. "
    "Ctrl+Z takes back. Ctrl+Enter submits. Ctrl+Space skips."
)
_SIDE: Final = "flex: 0 0 240px"
_CIRCLE: Final = "&#9711;"
# Label Studio fits a frame into the width with its toolbar in it, and cuts a wide one off on both sides.
_TOOLBAR: Final = ".dmr-image .lsf-toolbar {position: absolute; left: 100%}"
_ROWS: Final = ".dmr-tools .lsf-labels {flex-direction: column; align-items: flex-start}"  # else short names share one
_REASON: Final = "font-size: 15px; line-height: 1.3; margin: 0 0 8px"
HINT: Final = "font-size: 12px; font-weight: 400; line-height: 1.3; margin: 0"
_HEIGHT: Final = "calc(100vh - 120px)"  # what Label Studio's bars leave of the window


@dataclass(frozen=True, slots=True)
class Interface:
    """A project's labelling interface: what can be drawn in it.

    Attributes:
        control: Name of its polygon labels.
        image: Name of the image that they belong to.
        labels: Class id to the label's value, for labels that are classes.
        strangers: Values of labels that are no class.
        ellipse: Name of its ellipse labels on that image; empty if it has none.
        kinds: Name to the type of what is drawn with them, for all its lists of labels.
        smart: Names of the lists whose tools ask a server for an outline.
    """

    control: str
    image: str
    labels: Mapping[int, str]
    strangers: tuple[str, ...]
    ellipse: str = ""
    kinds: Mapping[str, str] = field(default_factory=dict)
    smart: frozenset[str] = frozenset()


def label_config(classes: Classes) -> str:
    """The labelling interface of a new project: the image, and beside it the reason, the classes and the keys.

    Each class has a row, with its name for outlines and a circle for ellipses.

    Beside the image there is room on every screen. Above or below it, the classes would take height from it, and on a
    small screen they would not be seen.
    """
    ordered = classes_in_order(classes)
    lines = [
        '<View style="display: flex; gap: 12px">',
        '  <View className="dmr-image" style="flex: 1 1 auto; min-width: 0; padding-right: 44px">',
        f'    <Image name="{IMAGE}" value="$image" zoom="true" zoomControl="true" brightnessControl="true" '
        f'contrastControl="true" maxHeight="{_HEIGHT}"/>',
        "  </View>",
        f'  <View style="{_SIDE}">',
        f'    <Header value="$reason" size="6" style="{_REASON}"/>',
        '    <View className="dmr-tools" style="display: flex; gap: 4px">',
        '      <View style="flex: 1 1 auto; min-width: 0">',
        f'        <PolygonLabels name="{CONTROL}" toName="{IMAGE}" strokeWidth="2" pointSize="small" opacity="0.25">',
        *(f"          {_label(c, k, OUTLINE_KEYS)}" for k, c in enumerate(ordered)),
        "        </PolygonLabels>",
        "      </View>",
        '      <View style="flex: 0 0 auto">',
        f'        <{ELLIPSES} name="{ELLIPSE}" toName="{IMAGE}" strokeWidth="2" opacity="0.25">',
        *(f"          {_label(c, k, ELLIPSE_KEYS, shown=_CIRCLE)}" for k, c in enumerate(ordered)),
        f"        </{ELLIPSES}>",
        "      </View>",
        "    </View>",
        f'    <Choices name="{NOTHING}" toName="{IMAGE}" choice="multiple">',
        f'      <Choice value="{TICK}" hotkey="0"/>',
        "    </Choices>",
        f'    <Header value="{_HINTS}" size="6" style="{HINT}"/>',
        f"    <Style>{_TOOLBAR} {_ROWS} {STYLE}</Style>",
        '    <View className="dmr-clip"><Markdown value="$clip"/></View>',
        "  </View>",
        "</View>",
    ]
    return "\n".join(lines)


def beside_image(root: ElementTree.Element) -> tuple[ElementTree.Element, int]:
    """Where a labelling interface has its labels: the outermost element without the image, and their place in it."""
    views = [e for e in root.iter("View") if _holds(e, "PolygonLabels") and not _holds(e, "Image")]
    side = views[0] if views else root
    return side, next(k for k, own in enumerate(side) if _holds(own, "PolygonLabels"))


def _holds(element: ElementTree.Element, tag: str) -> bool:
    return next(element.iter(tag), None) is not None


def classes_in_order(classes: Classes) -> list[ClassDef]:
    """The active classes, the lowest layer first, as they stand beside the image."""
    order = classes.paint_order()
    return sorted(classes.active, key=lambda c: order.index(c.id))


def _label(c: ClassDef, place: int, keys: str, *, shown: str = "") -> str:
    key = f' hotkey="{keys[place]}"' if place < len(keys) else ""
    html = f' html="{shown}"' if shown else ""
    return f"<Label value={quoteattr(c.name)} background={quoteattr(c.color)}{key}{html}/>"


def read_interface(config: str, *, classes: Classes) -> Interface:
    """Find the polygon labels of a project, which somebody may have changed.

    Raises:
        ValueError: It is no XML, or has no polygon labels.
    """
    try:
        root = ElementTree.fromstring(config)
    except ElementTree.ParseError as error:
        raise ValueError(f"its labelling interface is no XML ({error})") from None
    found = next(iter(root.iter("PolygonLabels")), None)
    if found is None:
        raise ValueError("its labelling interface has no PolygonLabels")
    labels: dict[int, str] = {}
    strangers = []
    for label in found.iter("Label"):
        value = label.get("value", "")
        known = classes.class_id(value)
        if known is None:
            strangers.append(value)
        else:
            labels[known] = value
    lists = {tag.get("name", ""): tag for tag in root.iter() if tag.tag.endswith("Labels")}
    image = found.get("toName", IMAGE)
    ellipses = (n for n, tag in lists.items() if tag.tag == ELLIPSES and tag.get("toName") == image)
    return Interface(
        control=found.get("name", CONTROL),
        image=image,
        labels=labels,
        strangers=tuple(strangers),
        ellipse=next(ellipses, ""),
        kinds={name: tag.tag.lower() for name, tag in lists.items()},
        smart=frozenset(n for n, tag in lists.items() if "true" in (tag.get("smart"), tag.get("smartOnly"))),
    )
