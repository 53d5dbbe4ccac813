"""Transfer: a network learns the labels of mixtures."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from torch import Tensor
from torch.utils.data import DataLoader

from organology.errors import ConfigError, ModelError
from organology.mixing import Mixer
from organology.model.checkpoint_files import describe_parent, read_checkpoint
from organology.model.imported import has_folded_norms
from organology.model.network import InstrumentNet
from organology.model.weights import load_state
from organology.training.callbacks.l2_sp import L2SP
from organology.training.compute.memory_format import channels_last
from organology.training.data import MixtureDataset, evaluation_mixer, fixed_loader, load_pool
from organology.training.embeddings.embedder import Embedder
from organology.training.embeddings.mixtures import EmbeddedMixtures, embedded_mixtures
from organology.training.kept_mixtures import KeptMixtures
from organology.training.lightning import L
from organology.training.provenance import describe_corpora, describe_run, describe_tagging
from organology.training.run import Task, device_of
from organology.training.run_folder import RunFolder
from organology.training.teachers.audioset import LabelTeacher
from organology.training.teachers.pseudo_labels import PseudoLabeler
from organology.training.transfer.data import Mixtures, WithRecordings, compared_recordings, training_audio
from organology.training.transfer.module import TransferModule
from organology.training.transfer.recipe import Recipe


class TransferTask(Task[Recipe]):
    """Mixtures of stems, and recordings with pseudo-labels among them if the recipe says so.

    Raises
    ------
    OrganologyError
        If a corpus, pre-trained weights, a teacher or the model that it starts from cannot be used.
    """

    def __init__(self, recipe: Recipe) -> None:
        super().__init__(recipe)
        require_files(recipe)
        mixing, config = recipe.mixing, recipe.training
        self.label_set, self.window_seconds = recipe.label_set, mixing.chunk_seconds
        self.corpora = describe_corpora(recipe.corpora, mixing.split)
        pool = load_pool(recipe.corpora, "train", mixing, self.label_set)
        self._validation = evaluation_mixer(
            recipe.corpora, "validation", mixing, config.validation_p_musical, label_set=self.label_set
        )
        self._mixer = Mixer(pool, mixing, recipe.seed)
        self.audio = training_audio(recipe, self._mixtures(self._mixer, "train"))
        unheard = ~(pool.labels == 1).any(0) if config.keep_unheard else None
        self._module = build(recipe, None if unheard is None else torch.from_numpy(unheard))
        if recipe.first_network is not None:
            self.start = read_checkpoint(recipe.first_network)[1]

    @property
    def items_per_batch(self) -> int:
        """Mixtures and recordings."""
        own = self.recipe.training.self_training
        return self.recipe.training.batch_size + (own.per_batch if own else 0)

    def describe(self, command: str) -> dict[str, Any]:
        """Provenance; of the model that a run starts from its name and the hash of its weights."""
        recipe, others = self.recipe, dict[str, Any]()
        own = recipe.training.self_training
        if own is not None:
            others["recordings"] = describe_tagging(own.recordings)
        if recipe.first_network is not None and self.start is not None:
            others["init_from"] = describe_parent(recipe.first_network, self.start.name)
        transfer = {"transfer": recipe.training.transfer}
        return describe_run("instruments in mixtures", recipe, self.corpora, command, **transfer, **others)

    def module(self, epochs_done: int) -> TransferModule:
        """The network, and who labels the recordings."""
        labeler = self._module.labeler
        if isinstance(self.audio, WithRecordings) and labeler is not None:
            labeler.compare(compared_recordings(self.audio, self.items_per_batch))
        config = self.recipe.training
        if config.embedding_cache is not None:
            n = config.items_per_epoch
            self.audio = self._embedded(self._mixer, range(epochs_done * n, config.epochs * n), "train")
        return self._module

    def _mixtures(self, mixer: Mixer, split: str) -> Mixtures:
        """Mixtures as audio, kept on disk if the recipe says so."""
        cache = self.recipe.training.mixture_cache
        return MixtureDataset(mixer) if cache is None else KeptMixtures(mixer, cache, self._pool_of(split))

    def _pool_of(self, split: str) -> tuple[str, ...]:
        """What a pool is made of."""
        return (*(corpus["table_sha256"] for corpus in self.corpora), split, self.label_set.digest)

    def _embedded(self, mixer: Mixer, numbers: Sequence[int], split: str) -> EmbeddedMixtures:
        """Mixtures as the frozen backbone hears them."""
        recipe, config = self.recipe, self.recipe.training
        assert config.embedding_cache is not None
        embedder = Embedder(self._module.network, device_of(recipe), config.precision)
        audio, of, doing = self._mixtures(mixer, split), self._pool_of(split), f"embedding mixtures ({split})"
        return embedded_mixtures(mixer, audio, numbers, embedder, config.embedding_cache, of, config.workers, doing)

    def held_out(self) -> DataLoader[Any]:
        """Mixtures of the validation split."""
        config = self.recipe.training
        numbers = range(config.validation_mixtures)
        if config.embedding_cache is not None:
            embedded = self._embedded(self._validation, numbers, "validation")
            return fixed_loader(embedded, numbers, config.batch_size, 0, keep=False, place=self.place)
        dataset = self._mixtures(self._validation, "validation")
        return fixed_loader(
            dataset, numbers, config.batch_size, config.workers, doing="mixing for validation", place=self.place
        )

    def callbacks(self, folder: RunFolder) -> list[L.Callback]:
        """Decay toward the first weights, before the average, which takes the result in."""
        decay = self.recipe.training.l2_sp
        return [L2SP(decay)] if decay > 0 else []

    def test(self, folder: RunFolder, best: dict[str, Any], console: Console | None) -> dict[str, Any]:
        """No test: `organology evaluate` is one. The transfer method and the sizes of the network."""
        network = self._module.network
        parts = {"head": network.head, "backbone": network.backbone}
        sizes = {name: sum(p.numel() for p in part.parameters()) for name, part in parts.items()}
        return {"transfer": self.recipe.training.transfer, "labels": self.label_set.name, "parameters": sizes}


def require_files(recipe: Recipe) -> None:
    """Check that what a recipe names is there.

    Raises
    ------
    ConfigError
        If a transfer lacks its pre-trained weights, or a named file is missing.
    """
    own, soft = recipe.training.self_training, recipe.training.soft_targets
    if recipe.training.transfer != "scratch" and recipe.first_network is None:
        if recipe.pretrained is None:
            raise ConfigError(f"{recipe.name}: {recipe.training.transfer} needs `pretrained` weights (or --pretrained)")
        if not recipe.pretrained.exists():
            raise ConfigError(f"{recipe.pretrained}: no such pre-trained weights")
    if soft is not None and not soft.teacher.is_file():
        raise ConfigError(f"{soft.teacher}: no such teacher")
    if recipe.first_network is not None and not recipe.first_network.is_dir():
        raise ConfigError(f"{recipe.first_network}: no such checkpoint folder")
    if own is not None and own.tagger is not None and not own.tagger.is_file():
        raise ConfigError(f"{own.tagger}: no such music tagger")


def build(recipe: Recipe, unheard: Tensor | None = None) -> TransferModule:
    """The network of a recipe with its first weights: new ones from the seed, the backbone from pre-training.

    With self-training or `init_from`, all of them are those of the model that it starts from. `unheard`: labels that
    it does not learn.

    Raises
    ------
    ModelError
        If pre-trained weights, a teacher or that model cannot be used.
    """
    config = recipe.training
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = InstrumentNet(recipe.model, recipe.label_set)
    if config.transfer != "scratch" and recipe.pretrained is not None:
        network.load_pretrained(recipe.pretrained)
    soft, own = config.soft_targets, config.self_training
    teacher = LabelTeacher(soft.teacher, network.label_set) if soft is not None else None
    labeler = PseudoLabeler(own, network.label_set) if own is not None else None
    if recipe.first_network is not None:
        _init_from(network, recipe.first_network)
    if config.transfer == "finetuned" and not config.freeze_batch_norm and has_folded_norms(network):
        raise ModelError(
            f"{recipe.name}: it starts from an imported network, whose batch norms must keep their statistics: "
            "set training.freeze_batch_norm to true"
        )
    channels_last(network.backbone)
    return TransferModule(network, config, recipe.seed, teacher, labeler, unheard)


def _init_from(network: InstrumentNet, path: Path) -> None:
    """Give a network all weights of a checkpoint; one of other labels is refused."""
    config, metadata, state = read_checkpoint(path)
    if metadata.label_set != network.label_set:
        raise ModelError(
            f"{path}: its labels are those of {metadata.label_set.name}, the recipe's of {network.label_set.name}: "
            "name it as `pretrained`, which takes the backbone only"
        )
    if not config.differs_by_level_only(network.config):
        raise ModelError(f"{path}: its network is not the recipe's `model`")
    load_state(network, state, path)
    network.calibrate(metadata.calibration)
