"""The catalogue's models, their data sets and their predictions."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.engine import Row

from ..errors import CatalogueError
from ..system.canonical import canonical_json, json_to_shapes, shapes_to_json
from ..system.clock import utc_now
from ..system.pipeline import batched
from ..system.store import sha256_hex
from . import tables as t
from .database import AT_ONCE, Database
from .frames import newest_rendition
from .records import ModelRecord, ModelState, PredictionRecord

CARD_KEY: Final = "card "
"""In `meta` before a model's id: the hash of its card, as it was written, or as it was when it was checked first."""


def dataset_id(revisions: Iterable[str]) -> str:
    """The id of a data set: the SHA-256 of the sorted list of its revisions."""
    return sha256_hex(_dataset_text(revisions).encode())


def _dataset_text(revisions: Iterable[str]) -> str:
    return canonical_json(sorted(set(revisions)))


class ModelRows(Database):
    """Reads and writes of models, data sets and predictions."""

    def add_dataset(self, revisions: Iterable[str]) -> str:
        """Record the revisions that a model was trained or judged on. The same revisions are the same data set.

        Returns:
            Its id, as `dataset_id` gives it.
        """
        text = _dataset_text(revisions)
        own = sha256_hex(text.encode())
        with self.transaction() as connection:
            if connection.scalar(sa.select(t.dataset.c.id).where(t.dataset.c.id == own)) is None:
                connection.execute(sa.insert(t.dataset).values(id=own, revisions=text, at=utc_now()))
        return own

    def dataset(self, dataset_id: str) -> tuple[str, ...]:
        """The revisions of a data set, sorted.

        Raises:
            CatalogueError: There is none of this id.
        """
        with self.reading() as connection:
            text = connection.scalar(sa.select(t.dataset.c.revisions).where(t.dataset.c.id == dataset_id))
        if text is None:
            raise CatalogueError(dataset_id, "is no dataset of this catalogue", "See `dmr models list`")
        return tuple(json.loads(text))

    def add_model(self, model: ModelRecord, *, card_sha256: str | None = None) -> None:
        """Record a model. This does not make it active.

        Args:
            model: The model.
            card_sha256: Hash of the file of its card; None where nobody knows it.

        Raises:
            CatalogueError: There is another model of this id.
        """
        if model.state == "active":
            raise ValueError("a model becomes active by `activate`")
        known = {m.id: m for m in self.models()}
        if model.id in known:
            if known[model.id].sha256 != model.sha256:
                raise CatalogueError(model.id, "there is another model of this name", "Choose another name")
            return
        with self.transaction() as connection:
            row = {
                "id": model.id,
                "sha256": model.sha256,
                "parent": model.parent,
                "class_ids": canonical_json(list(model.class_ids)),
                "dataset": model.dataset,
                "test_version": model.test_version,
                "state": model.state,
                "at": model.at,
            }
            connection.execute(sa.insert(t.model).values(row))
            if card_sha256 is not None:
                connection.execute(sa.insert(t.meta).values(key=CARD_KEY + model.id, value=card_sha256))

    def models(self) -> list[ModelRecord]:
        """All models, the oldest first."""
        with self.reading() as connection:
            return [
                _to_model(row) for row in connection.execute(sa.select(t.model).order_by(t.model.c.at, t.model.c.id))
            ]

    def active_model(self) -> ModelRecord | None:
        """The active model; None before the first activation."""
        return next((model for model in self.models() if model.state == "active"), None)

    def activate(self, model_id: str, *, reason: str) -> None:
        """Make a model active and retire the one before it, in one step. For the active model, nothing changes.

        Raises:
            CatalogueError: There is no model of this id.
        """
        with self.transaction() as connection:
            model = self._known(model_id)
            if model.state == "active":
                return
            sequence = (connection.scalar(sa.select(sa.func.max(t.activation.c.sequence))) or 0) + 1
            active = sa.update(t.model).where(t.model.c.state == "active")
            connection.execute(active.values(state="retired"))  # first: an index allows one active model
            connection.execute(sa.update(t.model).where(t.model.c.id == model_id).values(state="active"))
            row = {"sequence": sequence, "model": model_id, "reason": reason, "at": utc_now()}
            connection.execute(sa.insert(t.activation).values(row))

    def set_model_state(self, model_id: str, *, state: ModelState, test_version: str | None = None) -> None:
        """Record a verdict on a model that is not active, and the data set that it was judged on.

        Raises:
            CatalogueError: There is no model of this id, or it is the active one.
        """
        if state == "active":
            raise ValueError("a model becomes active by `activate`")
        with self.transaction() as connection:
            if self._known(model_id).state == "active":
                raise CatalogueError(model_id, "is the active model", "Activate another one first")
            values = {"state": state} | ({} if test_version is None else {"test_version": test_version})
            connection.execute(sa.update(t.model).where(t.model.c.id == model_id).values(**values))

    def model_before(self) -> str | None:
        """The model that was active before the active one, or None."""
        active = self.active_model()
        earlier = [model for model, _, _ in self.activations() if active is None or model != active.id]
        return earlier[-1] if earlier else None

    def activations(self) -> list[tuple[str, str, str]]:
        """`(model, reason, time)` of every activation, oldest first."""
        c = t.activation.c
        with self.reading() as connection:
            rows = connection.execute(sa.select(c.model, c.reason, c.at).order_by(c.sequence))
            return [(row.model, row.reason, row.at) for row in rows]

    def add_predictions(self, predictions: Iterable[PredictionRecord]) -> int:
        """Keep predictions, in one commit. An earlier one of the same model and rendition is replaced.

        Returns:
            Their number.
        """
        c = t.prediction.c
        key = [c.frame == sa.bindparam("f"), c.rendition == sa.bindparam("r"), c.model == sa.bindparam("m")]
        n = 0
        with self.transaction() as connection:
            for batch in batched(predictions, AT_ONCE):
                newest = {(p.frame, p.rendition, p.model): p for p in batch}
                connection.execute(
                    sa.delete(t.prediction).where(*key), [{"f": f, "r": r, "m": m} for f, r, m in newest]
                )
                connection.execute(sa.insert(t.prediction), [_prediction_row(p) for p in newest.values()])
                n += len(newest)
        return n

    def latest_predictions(self, model_id: str, frames: Iterable[str] | None = None) -> dict[str, PredictionRecord]:
        """A model's predictions of the frames' newest renditions, by frame id.

        Args:
            model_id: The model.
            frames: Ids of the frames wanted. None for all, which takes much memory for thousands.
        """
        query = sa.select(t.prediction).select_from(_newest()).where(t.prediction.c.model == model_id)
        query = query.order_by(t.prediction.c.frame)
        with self.reading() as connection:
            if frames is None:
                return {row.frame: _to_prediction(row) for row in connection.execute(query)}
            return {
                row.frame: _to_prediction(row)
                for ids in batched(frames, AT_ONCE)
                for row in connection.execute(query.where(t.prediction.c.frame.in_(ids)))
            }

    def latest_scores(self, model_id: str) -> dict[str, dict[str, Any]]:
        """Only the scores of a model's predictions of the frames' newest renditions, by frame id.

        A prediction with a score that is no number is left out, as if it was never made.

        Raises:
            CatalogueError: One cannot be read.
        """
        c = t.prediction.c
        query = sa.select(c.frame, c.scores).select_from(_newest()).where(c.model == model_id).order_by(c.frame)
        with self.reading() as connection:
            found = {row.frame: read_scores(row.frame, row.scores) for row in connection.execute(query)}
        return {frame: scores for frame, scores in found.items() if scores is not None}

    def predicted_frames(self, model_id: str) -> set[str]:
        """Ids of the frames that a model has predicted in their newest rendition, with usable scores or not."""
        query = sa.select(t.prediction.c.frame).select_from(_newest()).where(t.prediction.c.model == model_id)
        with self.reading() as connection:
            return set(connection.scalars(query))

    def latest_embeddings(self, model_id: str) -> dict[str, bytes | None]:
        """Only the embeddings of a model's predictions of the frames' newest renditions, by frame id.

        Raises:
            CatalogueError: One is not as long as the others.
        """
        c = t.prediction.c
        query = sa.select(c.frame, c.embedding).select_from(_newest()).where(c.model == model_id).order_by(c.frame)
        with self.reading() as connection:
            found: dict[str, bytes | None] = {row.frame: row.embedding for row in connection.execute(query)}
        lengths = Counter(len(value) for value in found.values() if value is not None)
        usual = max((n for n in lengths if n % 2 == 0), key=lambda n: lengths[n], default=0)
        for frame, value in found.items():
            if value is not None and len(value) != usual:
                raise damaged_prediction(frame)
        return found

    def empty_predictions(self, model_id: str) -> set[str]:
        """Ids of the frames in which a model finds nothing, in their newest rendition."""
        c = t.prediction.c
        empty = canonical_json(shapes_to_json(()))
        query = sa.select(c.frame).select_from(_newest()).where(c.model == model_id, c.shapes == empty)
        with self.reading() as connection:
            return set(connection.scalars(query))

    def frame_predictions(self, frame: str) -> list[PredictionRecord]:
        """All models' predictions of a frame, newest first."""
        c = t.prediction.c
        query = sa.select(t.prediction).where(c.frame == frame).order_by(c.at.desc(), c.model)
        with self.reading() as connection:
            return [_to_prediction(row) for row in connection.execute(query)]

    def _known(self, model_id: str) -> ModelRecord:
        model = next((model for model in self.models() if model.id == model_id), None)
        if model is None:
            raise CatalogueError(model_id, "is no model of this catalogue", "See `dmr models list`")
        return model


def _newest() -> sa.Join:
    """The predictions of the frames' newest renditions."""
    same = sa.and_(t.rendition.c.frame == t.prediction.c.frame, t.rendition.c.pixel_sha256 == t.prediction.c.rendition)
    newest = sa.and_(
        newest_rendition.c.frame == t.rendition.c.frame, newest_rendition.c.version == t.rendition.c.version
    )
    return t.prediction.join(t.rendition, same).join(newest_rendition, newest)


def _to_model(row: Row[Any]) -> ModelRecord:
    return ModelRecord(
        id=row.id,
        sha256=row.sha256,
        class_ids=tuple(json.loads(row.class_ids)),
        parent=row.parent,
        dataset=row.dataset,
        test_version=row.test_version,
        state=row.state,
        at=row.at,
    )


def _prediction_row(p: PredictionRecord) -> dict[str, Any]:
    return {
        "frame": p.frame,
        "rendition": p.rendition,
        "model": p.model,
        "shapes": canonical_json(shapes_to_json(p.shapes)),
        "scores": canonical_json(dict(p.scores)),
        "embedding": p.embedding,
        "at": p.at,
    }


def damaged_prediction(frame: str) -> CatalogueError:
    """What a command says of a prediction that cannot be read."""
    return CatalogueError(
        f"the draft of frame {frame}", "is damaged in the catalogue", "Mend it: dmr db verify --repair"
    )


def read_scores(frame: str, text: str) -> dict[str, Any] | None:
    """A prediction's scores; None if one of them is no number, such as NaN.

    Raises:
        CatalogueError: They cannot be read.
    """
    odd: list[str] = []
    try:
        scores = json.loads(text, parse_constant=odd.append)
        parts = [scores.get("whole", {}), *scores.get("classes", {}).values()]
        if all(isinstance(v, int | float | None) for part in parts for v in part.values()):
            return None if odd else dict(scores)
    except (ValueError, TypeError, AttributeError):
        pass
    raise damaged_prediction(frame)


def _to_prediction(row: Row[Any]) -> PredictionRecord:
    try:
        shapes = json_to_shapes(json.loads(row.shapes))
    except (ValueError, TypeError, KeyError):
        raise damaged_prediction(row.frame) from None
    return PredictionRecord(
        frame=row.frame,
        rendition=row.rendition,
        model=row.model,
        shapes=shapes,
        scores=read_scores(row.frame, row.scores) or {},
        embedding=row.embedding,
        at=row.at,
    )
