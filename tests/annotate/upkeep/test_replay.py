"""Whatever is done to a catalogue, its journal tells the same again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from dmr.annotate.catalogue.catalogue import Catalogue
from dmr.annotate.catalogue.journal_lines import Segment, segments
from dmr.annotate.catalogue.records import FrameRecord, ModelRecord, PredictionRecord, RevisionRecord, TaskRecord
from dmr.annotate.classes import ClassDef, Classes
from dmr.annotate.errors import CatalogueError
from dmr.annotate.progress.tell import silent
from dmr.annotate.shapes import Annotation
from dmr.annotate.upkeep.rebuild import make_catalogue

STEPS = 60
NAMES = ("nerve", "muscle", "artery", "vein")


class Work:
    """Everything that can be done, at random."""

    def __init__(self, catalogue: Catalogue, make_frame: Callable[..., FrameRecord], random: Random) -> None:
        self.catalogue, self.make_frame, self.random = catalogue, make_frame, random
        self.frames = [make_frame(n, f"p{n % 3}") for n in range(4)]
        catalogue.add_frames(self.frames)
        self.queue = catalogue.put_queue("main", server="http://127.0.0.1", project=1).id

    def step(self) -> None:
        acts = (self.frame, self.pixels, self.draw, self.draw, self.withdraw, self.split, self.model, self.activate,
                self.predict, self.task, self.drop, self.classes, self.fail)  # fmt: skip
        self.random.choice(acts)()

    def one(self) -> FrameRecord:
        return self.random.choice(self.frames)

    def frame(self) -> None:
        new = self.make_frame(len(self.frames), self.random.choice([None, "p1", "p9"]))
        self.frames.append(new)
        self.catalogue.add_frames([new])

    def pixels(self) -> None:
        frame = self.one()
        self.catalogue.add_frames([replace(frame, pixel_sha256=f"{self.random.randrange(16**8):064x}")])
        self.catalogue.set_eligible([frame.frame_id], eligible=self.random.random() < 0.5)

    def draw(self) -> None:
        frame = self.one()
        annotation = Annotation(frame.height, frame.width, (), frozenset(self.random.sample([1, 2, 3], 2)))
        self.catalogue.append_revision(
            RevisionRecord(
                frame=frame.frame_id,
                rendition=frame.pixel_sha256,
                author=self.random.choice(["ann", "bo"]),
                origin=self.random.choice(["import", "consensus"]),
                annotation=annotation,
                reading=self.random.choice(["first", "second", "repeat", "adjudication"]),
            )
        )

    def withdraw(self) -> None:
        self.catalogue.withdraw(self.one().frame_id, "ann", reason="deleted", repeat=self.random.random() < 0.5)

    def split(self) -> None:
        waiting = [patient for patient, split in self.catalogue.splits().items() if split is None]
        self.catalogue.assign_splits(dict.fromkeys(waiting[:1], ("train", "chosen")))

    def model(self) -> None:
        name = f"v{len(self.catalogue.models()) + 1}"
        heads = [r.sha256 for frame in self.frames for r in self.catalogue.heads(frame.frame_id)]
        self.catalogue.add_model(
            ModelRecord(id=name, sha256="a" * 64, class_ids=(1, 2), dataset=self.catalogue.add_dataset(heads))
        )

    def activate(self) -> None:
        if models := self.catalogue.models():  # also back: for a moment none is active, and never two
            self.catalogue.activate(self.random.choice(models).id, reason="chosen")

    def predict(self) -> None:
        for model in self.catalogue.models()[:1]:
            frame = self.one()
            self.catalogue.add_predictions(
                [
                    PredictionRecord(
                        frame=frame.frame_id,
                        rendition=frame.pixel_sha256,
                        model=model.id,
                        shapes=(),
                        scores={"mean": self.random.random()},
                        embedding=self.random.randbytes(8),
                    )
                ]
            )

    def task(self) -> None:
        self.catalogue.put_tasks([TaskRecord(queue=self.queue, frame=self.one().frame_id, remote_id=1)])

    def drop(self) -> None:
        self.catalogue.drop_queue_tasks(self.queue)

    def classes(self) -> None:
        names = self.random.sample(NAMES, 4)
        kept = [ClassDef(i + 1, name) for i, name in enumerate(names[:3])]
        try:
            self.catalogue.sync_classes(Classes([*kept, ClassDef(4 + self.random.randrange(3), names[3])]))
        except CatalogueError:
            pass
        except Exception as error:
            if "is named" not in str(error):
                raise

    def fail(self) -> None:
        with pytest.raises(KeyError), self.catalogue.transaction():
            self.draw()
            self.frame()
            raise KeyError
        self.frames.pop()


@pytest.mark.parametrize("seed", range(8))
def test_the_catalogue_made_anew_says_the_same_after_any_work(
    catalogue: Catalogue, make_frame: Callable[..., FrameRecord], tmp_path: Path, seed: int
) -> None:
    random = Random(seed)
    work = Work(catalogue, make_frame, random)
    for _ in range(STEPS):
        work.step()
        if random.random() < 0.1:
            catalogue.close()  # as between two commands: the next connection watches anew
    (path,) = segments(catalogue.store.root / "journal")
    make_catalogue(Segment(path), tmp_path / "again.sqlite", tell=silent)
    with Catalogue.open(tmp_path / "again.sqlite", store=catalogue.store, is_copy=True) as again:
        assert again.catalogue_hash() == catalogue.catalogue_hash()
        assert again.meta("workspace_id") == catalogue.meta("workspace_id")
