"""What a run keeps: the best epoch, the state to resume from, the history."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np

from organology.atomic import written_whole
from organology.errors import ConfigError
from organology.evaluation import Evaluation, best_threshold, best_thresholds
from organology.labels import LabelSet
from organology.model.checkpoint import save_checkpoint
from organology.model_metadata import ModelMetadata
from organology.training.lightning import L
from organology.training.module import TrainingModule, Validation
from organology.training.run_folder import RunFolder


def metadata_of(
    module: TrainingModule[Any],
    validation: Validation,
    name: str,
    provenance: dict[str, Any],
    window_seconds: float,
    start: ModelMetadata | None = None,
) -> ModelMetadata:
    """Metadata of a checkpoint, with thresholds tuned on its validation mixtures.

    From the model that the training went on with: thresholds of labels that these mixtures do not have, how a file and
    its timeline are made of the scores, and which labels are tentative. Where its scores are calibrated, all its
    thresholds and presets: mixtures say less of them than what it was calibrated on.
    """
    single = best_threshold(validation.targets, validation.scores)
    default = single if start is None else np.array(start.thresholds)
    per_label = best_thresholds(validation.targets, validation.scores, default=default)
    labels = module.network.labels
    one = getattr(module.config, "thresholds", "per_label") == "single"
    chosen = np.full(len(labels), single) if one else per_label
    tuned_on = f"validation {module.items}, highest F1 (single: macro F1)"
    calibrated = start if start is not None and start.calibration is not None else None
    if calibrated is not None:
        chosen = np.array(calibrated.thresholds)
        tuned_on += "; not used, as the scores are calibrated already"
    metadata = ModelMetadata(
        label_set=module.network.label_set,
        thresholds=tuple(round(float(value), 6) for value in chosen),
        sample_rate=module.network.frontend.config.sample_rate,
        window_seconds=window_seconds,
        name=name,
        provenance={
            **provenance,
            "thresholds": {
                "tuned_on": tuned_on,
                "single": round(single, 6),
                "per_label": {label: round(float(v), 6) for label, v in zip(labels, per_label, strict=True)},
            },
            "validation": validation_metrics(validation.metrics, module.items),
        },
    )
    if start is None:
        return metadata
    presets = {} if calibrated is None else calibrated.presets
    return replace(metadata, pooling=start.pooling, frames=start.frames, tentative=start.tentative, presets=presets)


def validation_metrics(metrics: Evaluation, items: str = "mixtures") -> dict[str, Any]:
    """The metrics of a validation that a checkpoint carries; `items` is what was scored."""
    single = metrics.decisions["best single"]
    return {
        items: metrics.n_items,
        "loss": rounded(metrics.loss.value),
        "roc_auc": rounded(metrics.macro["roc_auc"].value),
        "pr_auc": rounded(metrics.macro["pr_auc"].value),
        "macro_f1": rounded(single.macro["f1"].value),
        "left_out": list(metrics.left_out),
    }


def rounded(value: float) -> float | None:
    """Six digits; None (JSON has no NaN) where it is not a number."""
    return round(value, 6) if np.isfinite(value) else None


class BestCheckpoint(L.Callback):
    """Writes `best/`, `last.ckpt` and `logs/metrics.csv` of a run folder; of several processes the first one does.

    Parameters
    ----------
    folder : RunFolder
    name : str
        Of the run.
    provenance : dict
        Travels in the checkpoint.
    window_seconds : float
        Length of the mixtures.
    label_set : LabelSet
        What the run learns; it cannot be resumed with another one.
    start : ModelMetadata, optional
        Of the model that it goes on with.

    Attributes
    ----------
    best : dict
        `epoch` (from 1) and the validation metrics of the best epoch; empty before the first.
    history : list of dict
        A row an epoch.
    """

    def __init__(
        self,
        folder: RunFolder,
        name: str,
        provenance: dict[str, Any],
        window_seconds: float,
        label_set: LabelSet,
        start: ModelMetadata | None = None,
    ) -> None:
        self.folder, self.name, self.provenance, self.window_seconds = folder, name, provenance, window_seconds
        self.label_set, self.start = label_set, start
        self.best: dict[str, Any] = {}
        self.history: list[dict[str, float]] = []
        self._validation: Evaluation | None = None
        self._started = time.perf_counter()

    def on_train_batch_start(self, trainer: L.Trainer, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Start the clock of the epoch."""
        if batch_idx == 0:
            self._started = time.perf_counter()

    def on_validation_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Keep the network if this validation has the lowest loss so far."""
        module: TrainingModule[Any] = pl_module
        validation = module.take_validation()
        self._validation = validation.metrics
        loss = validation.metrics.loss.value
        if not np.isfinite(loss):
            raise ConfigError(
                f"validation: no label of these {module.items} is known, so that no epoch can be called best"
            )
        if not self.best or loss < self.best["loss"]:
            epoch = trainer.current_epoch + 1
            if trainer.is_global_zero:
                provenance = {**self.provenance, "epoch": epoch}
                metadata = metadata_of(module, validation, self.name, provenance, self.window_seconds, self.start)
                save_checkpoint(self.folder.best, module.network, metadata)
            self.best = {"epoch": epoch, **validation_metrics(validation.metrics, module.items), "loss": loss}

    def on_train_epoch_end(self, trainer: L.Trainer, pl_module: Any) -> None:
        """Add a row to the history and write the state to resume from."""
        module: TrainingModule[Any] = pl_module
        assert self._validation is not None
        seconds = time.perf_counter() - self._started
        epoch = trainer.current_epoch + 1
        row = {
            "epoch": epoch,
            "step": trainer.global_step,
            "loss/train": module.take_mean_loss(),
            "loss/validation": self._validation.loss.value,
            "roc_auc/validation": self._validation.macro["roc_auc"].value,
            "pr_auc/validation": self._validation.macro["pr_auc"].value,
            "f1/validation": self._validation.decisions["best single"].macro["f1"].value,
            "threshold/validation": float(self._validation.decisions["best single"].thresholds[0]),
            **module.learning_rates(),
            f"{module.items}_per_second": module.config.items_per_epoch / seconds,
        }
        self.history.append(row)
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.folder.last)  # takes part, and writes nothing
            return
        for logger in trainer.loggers:
            logger.log_metrics({k: v for k, v in row.items() if k not in ("epoch", "step")}, step=trainer.global_step)
        self.folder.write_history(self.history)
        with written_whole(self.folder.last, durable=True) as temporary:
            trainer.save_checkpoint(temporary)

    @property
    def state_key(self) -> str:
        """Name in the state to resume from; that of earlier versions."""
        return "Keeper"

    def state_dict(self) -> dict[str, Any]:
        """For the checkpoint to resume from."""
        data = {"tables": self._tables(), "label_set": self.label_set.digest}
        return {"best": self.best, "history": self.history, **data}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """From the checkpoint to resume from.

        Raises
        ------
        ConfigError
            If the corpora or the label set are not those that the run began with.
        """
        if state_dict.get("tables", self._tables()) != self._tables():
            raise ConfigError(f"{self.folder.path}: cannot resume: the corpora have changed since the run began")
        if state_dict.get("label_set", self.label_set.digest) != self.label_set.digest:
            raise ConfigError(f"{self.folder.path}: cannot resume: the label set has changed since the run began")
        self.best, self.history = dict(state_dict["best"]), list(state_dict["history"])

    def _tables(self) -> list[str]:
        return [corpus["table_sha256"] for corpus in self.provenance["corpora"]]
