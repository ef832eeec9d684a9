"""The labelled frames that a training learns from and is judged on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...annotate.catalogue.catalogue import Catalogue
from ...annotate.catalogue.models import dataset_id
from ...annotate.catalogue.records import LabelledFrame


@dataclass(frozen=True, slots=True)
class TrainingFrames:
    """Labelled frames of training patients and of validation patients, both sorted by frame id."""

    train: tuple[LabelledFrame, ...]
    validation: tuple[LabelledFrame, ...]

    @classmethod
    def newest(cls, catalogue: Catalogue) -> TrainingFrames:
        """The frames that a training would use now."""
        return cls._of(catalogue.settled_frames())

    @classmethod
    def of_dataset(cls, catalogue: Catalogue, dataset: str) -> TrainingFrames:
        """The frames that a past training used."""
        return cls._of(catalogue.settled_frames(revisions=catalogue.dataset(dataset)))

    @classmethod
    def _of(cls, items: Iterable[LabelledFrame]) -> TrainingFrames:
        in_order = sorted(items, key=lambda item: item.frame.frame_id)
        train, validation = (
            tuple(item for item in in_order if item.split == split) for split in ("train", "validation")
        )
        return cls(train, validation)

    @property
    def revisions(self) -> tuple[str, ...]:
        """The revisions of all these frames."""
        return tuple(item.revision for item in (*self.train, *self.validation))

    @property
    def dataset(self) -> str:
        """The id of their data set, even if it is not recorded yet."""
        return dataset_id(self.revisions)


def patient_count(items: Iterable[LabelledFrame]) -> int:
    """The number of patients that these frames are from."""
    return len({item.frame.patient for item in items})
