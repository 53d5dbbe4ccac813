"""Frozen backbones on cached embeddings: the same weights as without, and nothing computed twice."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from organology.errors import ConfigError
from organology.mixing import Mixer
from organology.model import load_checkpoint
from organology.training import load_recipe
from organology.training.embeddings.embedder import BATCH, Embedder
from organology.training.embeddings.store import BLOCK, Rows, stored
from organology.training.recipes import override
from organology.training.run import train
from training_support import make_corpus, write_recipe

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embeddings")
    make_corpus(folder / "corpus")
    recipe = load_recipe(write_recipe(folder / "tiny.yaml", folder / "corpus"))
    train(override(recipe, epochs=1), folder / "before")
    return folder


@pytest.fixture(scope="module")
def frozen(place):
    recipe = load_recipe(place / "tiny.yaml")
    return override(recipe, transfer="frozen", pretrained=place / "before/best")


@pytest.fixture(scope="module")
def cached(place, frozen):
    """The recipe with a cache, and its run."""
    recipe = override(frozen, embedding_cache=place / "cache")
    train(recipe, place / "cached")
    return recipe


def of(recipe, **mixing):
    return dataclasses.replace(recipe, mixing=dataclasses.replace(recipe.mixing, **mixing))


@pytest.fixture
def made(monkeypatch):
    """Numbers of the mixtures that are made, with their seeds."""
    numbers = []
    real = Mixer.mix
    monkeypatch.setattr(Mixer, "mix", lambda self, i: numbers.append((self.seed, i)) or real(self, i))
    return numbers


def test_cached_run_has_the_weights_of_a_plain_one(place, frozen, cached):
    train(frozen, place / "plain")
    one, other = (load_file(place / f"{name}/best/model.safetensors") for name in ("plain", "cached"))
    assert one.keys() == other.keys()
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], rtol=1e-3, atol=1e-4, msg=name)


def test_second_run_of_another_head_makes_no_mixture(place, cached, made):
    other = override(cached, head_learning_rate=0.003)
    train(other, place / "second")
    assert made == []


def test_other_p_musical_takes_what_is_there(place, cached, made):
    mixed = of(cached, p_musical=0.5)
    train(mixed, place / "half")
    first, made[:] = list(made), []
    train(of(cached, p_musical=0.3), place / "third")
    assert first and set(first).isdisjoint(made)


def test_other_mixing_makes_other_mixtures(place, cached, made):
    train(of(cached, p_single_source=1), place / "single")
    assert {seed for seed, _ in made} >= {cached.seed}


def test_longer_run_makes_only_what_is_new(place, cached, made):
    train(override(cached, epochs=3), place / "longer")
    n = cached.training.items_per_epoch
    assert sorted(made) == [(cached.seed, i) for i in range(2 * n, 3 * n)]


def test_embedding_does_not_depend_on_its_company(place):
    network = load_checkpoint(place / "before/best")[0]
    embedder = Embedder(network)
    waveform = torch.from_numpy(np.random.default_rng(0).normal(0, 0.1, (BATCH, 35_200)).astype(np.float32))
    whole = embedder(waveform)
    assert whole.shape == (BATCH, embedder.size)
    assert np.array_equal(embedder(waveform[:3]), whole[:3])
    assert np.abs(whole - network.eval().embed(waveform).detach().numpy()).max() < 1e-5


def test_digest_tells_weights_apart(place):
    network = load_checkpoint(place / "before/best")[0]
    before = Embedder(network).digest
    assert Embedder(network).digest == before
    assert Embedder(network, precision="bf16-mixed").digest != before
    with torch.no_grad():
        next(network.backbone.parameters()).add_(1e-3)
    assert Embedder(network).digest != before


def test_store_gives_rows_in_order_and_asks_for_each_number_once(tmp_path):
    asked = []

    def make(numbers):
        asked.extend(numbers)
        values = np.array(numbers)
        return Rows(values, values[:, None].astype(np.float32), values[:, None].astype(np.int8) % 2, values.astype(str))

    first = stored(tmp_path, [3, 1, BLOCK + 2], make)
    assert first.numbers.tolist() == [1, 3, BLOCK + 2] and first.songs.tolist() == ["1", "3", str(BLOCK + 2)]
    again = stored(tmp_path, [2, 3], make)
    assert again.embeddings[:, 0].tolist() == [2, 3]
    assert asked == [1, 3, BLOCK + 2, 2]


@pytest.mark.parametrize("transfer", ["scratch", "finetuned"])
def test_cache_of_a_backbone_that_learns_is_refused(frozen, place, transfer):
    with pytest.raises(ConfigError, match="embedding_cache is for frozen backbones"):
        override(frozen, transfer=transfer, embedding_cache=place / "cache")


def test_kept_mixtures_are_made_once_and_give_the_same_weights(place, frozen, made):
    kept = override(frozen, transfer="finetuned", mixture_cache=place / "kept")
    train(override(frozen, transfer="finetuned"), place / "not-kept")
    made.clear()
    train(kept, place / "kept-1")
    first, made[:] = list(made), []
    train(override(kept, backbone_learning_rate=0.0001, weight_decay=0.0), place / "kept-2")
    assert first and made == []
    files = [place / f"{name}/best/model.safetensors" for name in ("kept-1", "kept-2", "not-kept")]
    one, other, plain = map(load_file, files)
    assert all(torch.equal(value, other[name]) and torch.equal(value, plain[name]) for name, value in one.items())


def test_kept_mixture_that_is_not_whole_is_made_anew(place, frozen, made):
    train(override(frozen, transfer="finetuned", mixture_cache=place / "broken"), place / "broken-1")
    paths = sorted((place / "broken").rglob("*.npz"))
    paths[0].write_bytes(paths[0].read_bytes()[:200])
    made.clear()
    train(override(frozen, transfer="finetuned", mixture_cache=place / "broken"), place / "broken-2")
    assert len(made) == 1
