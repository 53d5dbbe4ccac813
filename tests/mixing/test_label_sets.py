"""The same stems with the labels of any set."""

from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest
import soundfile
import yaml
from typer.testing import CliRunner

from organology.cli import command_line
from organology.corpora.instruments import Instruments
from organology.corpora.table import row, write_table
from organology.labels import LabelSet
from organology.mixing import ChannelConfig, EffectsConfig, Mixer, MixingConfig, StemPool
from organology.mixing.channel.amplifier import Amplifier

RATE = 32_000
STEMS = {
    "cello": Instruments(("cello",)),
    "guitar": Instruments(("guitar",)),
    "sax": Instruments(("saxophone",)),
    "electric": Instruments(("electric_guitar",)),
    "flute": Instruments(("flute",)),
}
OWN = LabelSet("own", ("low_strings", "cello", "wind"), {"cello": "low_strings"}, concepts={
    "low_strings": ("cello", "double_bass"), "cello": ("cello",), "wind": ("flute", "saxophone"),
})  # fmt: skip
PLAIN = MixingConfig(p_musical=0.5, effects=EffectsConfig.none(), chunk_seconds=1.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared") / "c"
    (folder / "audio").mkdir(parents=True)
    rows = []
    for song in range(3):
        for number, (name, instruments) in enumerate(STEMS.items()):
            path = folder / "audio" / f"{song}-{name}.wav"
            samples = 0.1 * np.sin(2 * np.pi * (200 + 90 * number) * np.arange(2 * RATE) / RATE)
            soundfile.write(path, samples, RATE, "PCM_16")
            rows.append(
                row(
                    corpus="c", song=f"s{song}", stem=name, path=path.relative_to(folder).as_posix(), split="train",
                    frames=len(samples), active=[(0, len(samples))], instruments=instruments, aligned=True, word=name,
                )
            )  # fmt: skip
    write_table(rows, folder)
    return folder


@pytest.mark.parametrize(
    "label_set",
    [*(LabelSet.load(name) for name in ("bradl15", "openmic20", "irmas11")), OWN],
    ids=lambda each: each.name,
)
def test_mixture_has_the_labels_of_the_set(corpus, label_set):
    mixer = Mixer(StemPool.load([corpus], "train", PLAIN, label_set), PLAIN)
    for index in range(8):
        mixture = mixer.mix(index)
        expected = label_set.union([STEMS[source.stem].encode(label_set) for source in mixture.sources])
        assert mixture.labels.shape == (len(label_set),) and np.array_equal(mixture.labels, expected)


def test_stems_are_drawn_alike_whatever_the_set(corpus):
    plans = [Mixer(StemPool.load([corpus], "train", PLAIN, each), PLAIN).plan(3) for each in (None, OWN)]
    assert plans[0] == plans[1]


def test_balance_by_label_follows_the_set(corpus):
    config = dataclasses.replace(PLAIN, p_musical=0, p_single_source=1, balance="labels")
    pool = StemPool.load([corpus], "train", config, OWN)
    stems = [pool.stems[Mixer(pool, config).plan(index).sources[0].stem].stem for index in range(300)]
    # Of three labels two are the cello's; guitars have none.
    assert abs(stems.count("cello") - 200) < 4.5 * np.sqrt(300 * 2 / 9)
    assert set(stems) == {"cello", "sax", "flute"}


def test_amplifiers_know_electric_guitars_whatever_the_set(corpus):
    config = dataclasses.replace(PLAIN, channel=ChannelConfig(amp=Amplifier(1, 1)))
    mixer = Mixer(StemPool.load([corpus], "train", config, OWN), config)
    played = {source.stem: bool(source.transforms) for index in range(20) for source in mixer.mix(index).sources}
    assert played == {name: name == "electric" for name in STEMS}


@pytest.mark.parametrize("given", ["option", "recipe"])
def test_mix_writes_the_labels_of_the_set(corpus, tmp_path, given):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(
        yaml.safe_dump({"corpora": [str(corpus)], **({"labels": "openmic20"} if given == "recipe" else {})})
    )
    option = ["--labels", "openmic20"] if given == "option" else []
    result = CliRunner().invoke(
        command_line(), ["mix", "-r", str(recipe), "-n", "3", "-o", str(tmp_path / "out"), *option]
    )
    assert result.exit_code == 0, result.output
    rows = list(csv.DictReader((tmp_path / "out" / "mixtures.csv").open()))
    assert list(rows[0]) == ["file", "strategy", *LabelSet.load("openmic20").labels]
    assert any(row["cello"] == "1" for row in rows)


def test_labels_of_a_recipe_may_be_a_table_beside_it(corpus, tmp_path):
    from organology.errors import ConfigError
    from organology.mixing.recipe import load_recipe

    (tmp_path / "sets").mkdir()
    (tmp_path / "sets" / "mine.tsv").write_text("label\nguitar\npiano\n")
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("labels: sets/mine.tsv\n")
    assert load_recipe(recipe).label_set.labels == ("guitar", "piano")
    recipe.write_text("labels: openmic\n")
    with pytest.raises(ConfigError, match="no label set 'openmic'"):
        _ = load_recipe(recipe).label_set
