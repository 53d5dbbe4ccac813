"""Parts of the experiments: recipes and their layers, arms, figures over seeds, claims, tables of recordings."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from organology.errors import ConfigError
from organology.evaluation import evaluate
from organology.labels.bradl15 import LABELS
from organology.reproduce import load_experiment, markdown, paper, pictures, statistics
from organology.reproduce.claims import Comparison, comparisons, sentences
from organology.reproduce.clips import read_clips
from organology.reproduce.config_compose import merge, read_layers
from organology.reproduce.recipe import find_recipe, override, read_seeds
from organology.reproduce.results import PER_CLASS, SINGLE, ArmResult, Results
from organology.reproduce.runs import arms_of, changed, choose, fingerprint, folder_of, make_run_spec
from organology.training.scoring import Scored
from training_support import make_corpus

RECIPES = Path(__file__).parents[2] / "src/organology/recipes/bradl2023"
EXPERIMENTS = ("pretrain", "table1", "figure3", "figure4")


@pytest.mark.parametrize("backbone", [None, "short-chunk", "mobilenet", "fcn-jamendo", "musicnn-jamendo"])
@pytest.mark.parametrize("scale", ["paper", "open", "demo"])
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_every_recipe_loads_at_every_scale(name, scale, backbone):
    recipe = load_experiment(RECIPES / f"{name}.yaml", scale, backbone)
    assert recipe.experiment == name
    assert recipe.setup.model.backbone == (backbone or "short-chunk")
    assert recipe.pretraining is None or recipe.pretraining.recipe.is_file()
    assert recipe.pretraining is not None or recipe.setup.pretrained is not None
    assert recipe.test.p_musical == recipe.setup.training.validation_p_musical == 1
    assert recipe.setup.training.head_learning_rate == 0.01
    assert recipe.setup.training.backbone_learning_rate == 0.0001
    assert recipe.setup.training.step_factor == 0.3


def test_load_experiment_of_several_processes_is_refused(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(f"base: {RECIPES / 'table1.yaml'}\ntraining: {{devices: 2}}\n")
    with pytest.raises(ConfigError, match="must be 1: experiments train in one process"):
        load_experiment(own)


def test_the_papers_numbers():
    recipe = load_experiment(RECIPES / "table1.yaml")
    training = recipe.setup.training
    assert (training.epochs, training.batches_per_epoch, training.batch_size, training.step_epochs) == (
        150,
        120,
        16,
        20,
    )
    assert training.epochs * training.batches_per_epoch * training.batch_size == paper.MIXTURES
    assert (training.optimizer, training.schedule) == ("adam", "step")
    assert recipe.setup.mixing.split is not None
    assert (recipe.setup.mixing.split.by, recipe.setup.mixing.split.by_song) == ("song", ())
    assert recipe.setup.mixing.split.fractions == (0.65, 0.175, 0.175)
    assert (recipe.setup.mixing.audibility, recipe.setup.mixing.peak) == (None, None)
    assert recipe.setup.mixing.stretch_variants == 0
    assert recipe.test.mixtures == (120, 2000)
    assert recipe.arms.transfer == tuple(paper.TABLE1)
    assert recipe.arms.p_musical == (paper.TABLE1_P_MUSICAL,)
    assert load_experiment(RECIPES / "figure3.yaml").arms.p_musical == (0, 0.2, 0.4, 0.6, 0.8, 1)
    assert load_experiment(RECIPES / "figure4.yaml").arms.p_musical == (paper.BEST_P_MUSICAL,)


def test_the_open_scale_has_a_test_split_and_falling_rates_at_the_papers_shares():
    recipe = load_experiment(RECIPES / "table1.yaml", "open")
    training = recipe.setup.training
    assert training.step_epochs / training.epochs == pytest.approx(20 / 150)
    assert recipe.setup.mixing.split is not None
    assert recipe.setup.mixing.split.fractions == (0.65, 0.175, 0.175)
    longer = override(recipe, epochs=150, workers=0).setup.training
    assert (longer.epochs, longer.step_epochs, longer.workers) == (150, 20, 0)


def test_names_are_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_recipe("figure3").resolve() == (RECIPES / "figure3.yaml").resolve()
    assert find_recipe("mine.yaml") == Path("mine.yaml")
    with pytest.raises(ConfigError, match="no experiment 'table2'; there are pretrain, table1"):
        find_recipe("table2")


def test_layers_lie_over_each_other_with_paths_of_their_own_folders(tmp_path):
    files = {
        "a/base.yaml": {
            "corpora": ["x"],
            "training": {"epochs": 3, "batch_size": 4},
            "model": {"backbone": "mobilenet"},
        },
        "b/over.yaml": {
            "base": "../a/base.yaml",
            "training": {"epochs": 5},
            "backbones": {"mobilenet": {"pretrained": "w.pt"}},
            "scales": {"s": {"training": {"batch_size": 9}, "backbones": {"short-chunk": {"seed": 1}}}},
        },
    }
    for name, values in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(yaml.safe_dump(values), "utf-8")
    over = tmp_path / "b/over.yaml"
    values = read_layers(over)
    assert values["corpora"] == [str(tmp_path / "a/x")]
    assert values["pretrained"] == str(tmp_path / "b/w.pt")
    assert values["training"] == {"epochs": 5, "batch_size": 4}
    scaled = read_layers(over, "s", "short-chunk")
    assert (scaled["training"]["batch_size"], scaled["seed"], scaled["model"]) == (9, 1, {"backbone": "short-chunk"})
    assert "pretrained" not in scaled
    with pytest.raises(ConfigError, match="no scale 'huge'; there are paper, s"):
        read_layers(over, "huge")
    (tmp_path / "a/base.yaml").write_text("base: ../b/over.yaml\n", "utf-8")
    with pytest.raises(ConfigError, match="is its own base"):
        read_layers(over)


def test_an_unknown_key_names_its_place(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text(f"base: {RECIPES / 'table1.yaml'}\ntest: {{mixture: [5]}}\n", "utf-8")
    with pytest.raises(ConfigError, match=r"mine.yaml \(demo\): test.mixture: .*unknown key"):
        load_experiment(file, "demo")
    file.write_text(f"base: {RECIPES / 'table1.yaml'}\nepochs: 4\n", "utf-8")
    with pytest.raises(ConfigError, match=r"setup.epochs: .*unknown key"):
        load_experiment(file)


def test_merging_leaves_what_it_is_given():
    under, over = {"a": {"b": 1}}, {"a": {"c": 2}}
    assert merge(under, over) == {"a": {"b": 1, "c": 2}}
    assert (under, over) == ({"a": {"b": 1}}, {"a": {"c": 2}})


def test_options_of_arms_and_seeds():
    table1, figure3 = (load_experiment(RECIPES / f"{name}.yaml") for name in ("table1", "figure3"))
    assert choose(table1, ("frozen",)) == (("frozen",), (0.6,))
    assert choose(figure3, ("0.4", "p=0.1")) == (("finetuned",), (0.4, 0.1))
    assert choose(figure3, ()) == (("finetuned",), figure3.arms.p_musical)
    for name in ("scratch", "1.5", "nan"):
        with pytest.raises(ConfigError, match=f"no arm '{name}' in figure3"):
            choose(figure3, (name,))
    assert read_seeds("2, 0,2") == (2, 0)
    assert read_seeds(None) == ()
    with pytest.raises(ConfigError, match="--seeds -1"):
        read_seeds("-1")


@pytest.fixture(scope="module")
def setup(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arms")
    make_corpus(folder / "corpus", songs_per_split=1)
    (folder / "weights.pt").write_bytes(b"weights")
    recipe = load_experiment(RECIPES / "figure3.yaml", "open", "mobilenet")
    return dataclasses.replace(recipe.setup, corpora=(folder / "corpus",), pretrained=folder / "weights.pt")


def test_an_arm_is_known_by_what_has_a_say_in_its_weights(setup, tmp_path):
    one = make_run_spec(setup, "finetuned", 0.4, 0)

    def changed(**training: object) -> str:
        return make_run_spec(
            dataclasses.replace(setup, training=dataclasses.replace(setup.training, **training)), "finetuned", 0.4, 0
        ).key

    assert changed(workers=0, device="cpu") == one.key
    assert changed(epochs=16) != one.key
    assert changed(precision="bf16-mixed") != one.key
    assert make_run_spec(setup, "finetuned", 0.4, 1).key != one.key
    assert make_run_spec(setup, "finetuned", 0.6, 0).key != one.key
    assert make_run_spec(setup, "scratch", 0.4, 0).recipe.pretrained is None
    moved = tmp_path / "elsewhere.pt"
    moved.write_bytes(b"weights")
    assert make_run_spec(dataclasses.replace(setup, pretrained=moved), "finetuned", 0.4, 0).key == one.key
    moved.write_bytes(b"other weights")
    other = dataclasses.replace(setup, pretrained=moved)
    assert make_run_spec(other, "finetuned", 0.4, 0).key != one.key
    assert make_run_spec(other, "scratch", 0.4, 0).key == make_run_spec(setup, "scratch", 0.4, 0).key


def test_the_same_settings_in_two_experiments_are_one_arm(setup):
    table1, figure3 = (load_experiment(RECIPES / f"{name}.yaml", "open", "mobilenet") for name in ("table1", "figure3"))
    keys = [{arm.key for arm in arms_of(each, setup)} for each in (table1, figure3)]
    assert (len(keys[0]), len(keys[1]), len(keys[0] & keys[1])) == (9, 18, 3)
    assert fingerprint(arms_of(table1, setup)[0].recipe) in keys[0]


def test_an_arm_of_another_name_is_found_where_it_lies(setup, tmp_path):
    one = make_run_spec(setup, "finetuned", 0.4, 0)
    named = (("training.freeze_batch_norm", setup.training.freeze_batch_norm),)
    same = make_run_spec(setup, "finetuned", 0.4, 0, named)
    assert one.recipe.name != same.recipe.name
    assert folder_of(tmp_path, same).path.name.startswith(same.recipe.name)
    folder_of(tmp_path, one).path.mkdir(parents=True)
    assert folder_of(tmp_path, same).path == folder_of(tmp_path, one).path


def test_any_setting_can_be_varied(setup, tmp_path):
    file = tmp_path / "mine.yaml"
    values = {
        "base": str(RECIPES / "table1.yaml"),
        "experiment": "sweep",
        "arms": {
            "transfer": ["finetuned"],
            "vary": {"training.freeze_batch_norm": [False, True], "training.backbone_learning_rate": [0.001, 0.0001]},
        },
    }
    file.write_text(yaml.safe_dump(values, sort_keys=False), "utf-8")
    arms = arms_of(load_experiment(file, "open", "mobilenet"), setup, seeds=(0,))
    told = [(a.recipe.training.freeze_batch_norm, a.recipe.training.backbone_learning_rate) for a in arms]
    assert told == [(False, 0.001), (False, 0.0001), (True, 0.001), (True, 0.0001)]
    assert len({arm.key for arm in arms}) == len({arm.recipe.name for arm in arms}) == 4
    # The arm at the recipe's own values is the one that other experiments have, whatever is varied.
    assert arms[1].key == make_run_spec(setup, "finetuned", 0.6, 0).key
    assert arms[3].to_dict()["changes"] == {
        "training.freeze_batch_norm": True,
        "training.backbone_learning_rate": 0.0001,
    }
    assert str(arms[3]) == "finetuned, p_musical 0.6, freeze_batch_norm True, backbone_learning_rate 0.0001, seed 0"


def test_corpora_and_weights_can_be_varied_with_paths_of_the_file(tmp_path):
    file = tmp_path / "mine.yaml"
    vary = {"corpora": [["a"], ["a", "b"]], "pretrained": ["x.pth", "y.pth"]}
    values = {"base": str(RECIPES / "table1.yaml"), "experiment": "sweep", "arms": {"vary": vary}}
    file.write_text(yaml.safe_dump(values), "utf-8")
    given = load_experiment(file).arms.vary
    assert given["corpora"] == ([str(tmp_path / "a")], [str(tmp_path / "a"), str(tmp_path / "b")])
    assert given["pretrained"] == (str(tmp_path / "x.pth"), str(tmp_path / "y.pth"))


@pytest.mark.parametrize(
    ("vary", "reason"),
    [
        ({"training.no_such": [1]}, "no_such: .*unknown key"),
        ({"training.batch_size": ["many"]}, "training.batch_size"),
        ({"nowhere.at_all": [1]}, "nowhere: .*unknown key"),
    ],
)
def test_a_varied_setting_with_a_fault_names_its_place(setup, vary, reason):
    recipe = load_experiment(RECIPES / "figure3.yaml", "open", "mobilenet")
    arms = dataclasses.replace(recipe.arms, vary={key: tuple(values) for key, values in vary.items()})
    with pytest.raises(ConfigError, match=reason):
        arms_of(dataclasses.replace(recipe, arms=arms), setup)
    with pytest.raises(ValueError, match="varied by transfer, p_musical or seeds"):
        dataclasses.replace(recipe.arms, vary={"seed": (1, 2)})


def test_mobilenet_from_scratch_has_norms_that_follow_the_batches():
    recipe = load_experiment(RECIPES / "table1.yaml", "open", "mobilenet")
    of_transfer = recipe.arms.of_transfer
    assert of_transfer == {"scratch": {"model.options.norm_momentum": 0.1}}
    assert changed(recipe.setup, of_transfer["scratch"]).model.options == {"norm_momentum": 0.1}
    assert recipe.setup.model.options == {}


def scored(quality: float, seed: int = 0, n: int = 240) -> Scored:
    """Scores that tell present from absent the better the higher `quality`."""
    rng = np.random.default_rng(5)
    targets = (rng.random((n, len(LABELS))) < 0.4).astype(np.int8)
    targets[rng.random(targets.shape) < 0.05] = -1
    noise = np.random.default_rng([7, seed]).normal(size=targets.shape)
    scores = 1 / (1 + np.exp(-(quality * (2 * (targets == 1) - 1) + noise)))
    return Scored(targets, scores.astype(np.float32), np.array([f"song {i // 8}" for i in range(n)]))


def test_figures_of_an_arm_are_those_of_the_evaluation():
    given = scored(1.0)
    whole = evaluate(given.targets, given.scores, given.songs, 0.4, n_bootstrap=200)
    ours = statistics.ranking(given, 200)
    for name, estimate in (
        ("roc_auc", whole.macro["roc_auc"]),
        ("pr_auc", whole.macro["pr_auc"]),
        ("loss", whole.loss),
    ):
        told = statistics.with_interval(ours[name])
        assert (told["value"], told["low"], told["high"]) == pytest.approx(
            (estimate.value, estimate.low, estimate.high), abs=1e-6
        )
    decided = statistics.decisions(given, np.full(15, 0.4), 200)
    assert statistics.with_interval(decided["macro_f1"])["low"] == pytest.approx(
        whole.decisions["given"].macro["f1"].low, abs=1e-6
    )


def test_differences_are_paired():
    one, other = (statistics.ranking(scored(q), 100)["roc_auc"] for q in (1.0, 1.1))
    same = statistics.paired_difference([one], [one])
    assert float(same.value) == 0
    assert not same.samples.any()
    apart = np.std(one.samples) + np.std(other.samples)
    assert np.std(statistics.paired_difference([other], [one]).samples) < 0.7 * apart


def test_over_seeds_mean_spread_and_each():
    arms = [statistics.ranking(scored(1.0, seed), 50)["loss"] for seed in range(3)]
    told = statistics.interval_over_seeds(arms)
    assert told["value"] == pytest.approx(np.mean(told["seeds"]), abs=1e-6)
    assert told["spread"] == pytest.approx(np.std(told["seeds"], ddof=1), abs=1e-6)
    assert told["low"] < told["value"] < told["high"]
    assert statistics.interval_over_seeds(arms[:1])["spread"] is None


def results(experiment: str, qualities: dict[tuple[str, float], float], seeds: int = 3) -> Results:
    recipe = load_experiment(RECIPES / f"{experiment}.yaml")
    arms = []
    for (transfer, p_musical), quality in qualities.items():
        for seed in range(seeds):
            arm = SimpleNamespace(transfer=transfer, p_musical=p_musical, seed=seed, changes=())
            given = scored(quality, seed)
            tests = {"240": statistics.ranking(given, 60)}
            decided = {
                kind: statistics.decisions(given, np.full(15, at), 60)
                for kind, at in ((SINGLE, 0.5), (PER_CLASS, 0.45))
            }
            arms.append(ArmResult(arm, None, tests, {SINGLE: 0.5, PER_CLASS: np.full(15, 0.45)}, decided))  # type: ignore[arg-type]
    return Results(recipe, arms, [], {"240": {"left_out": []}})


def test_the_claim_of_table_1_follows_from_the_figures():
    methods = [("scratch", 0.6), ("frozen", 0.6), ("finetuned", 0.6)]

    def said(*qualities: float) -> str:
        given = results("table1", dict(zip(methods, qualities, strict=True)))
        return " ".join(sentences(given, comparisons(given)))

    assert "fine-tuned, holds in ROC-AUC, PR-AUC and loss" in said(0.5, 1.0, 1.5)
    assert "does not hold in ROC-AUC, PR-AUC and loss" in said(0.5, 1.5, 1.0)
    assert "does not show in ROC-AUC, PR-AUC and loss" in said(1.0, 1.0, 1.5)  # nothing is the other way round
    assert "in 3 of 3 seeds" in said(0.5, 1.0, 1.5)


def test_verdicts_of_single_comparisons():
    given = results("table1", {("scratch", 0.6): 1.0, ("frozen", 0.6): 1.0, ("finetuned", 0.6): 0.4})
    told = {(c.better, c.metric): c for c in comparisons(given)}
    assert told["frozen", "roc_auc"].verdict == "does not show"
    assert told["finetuned", "loss"].verdict == "does not hold: it is the other way round"
    assert told["finetuned", "loss"].value < 0, "a higher loss is worse"


def comparison(value: float, low: float, high: float, seeds: tuple[float, ...]) -> Comparison:
    return Comparison("frozen", "scratch", "roc_auc", "240", value, low, high, seeds)


def test_verdict_for_sure_needs_three_seeds_of_one_sign():
    assert comparison(0.1, 0.05, 0.15, (0.1, 0.08, 0.12)).verdict == "holds"
    assert comparison(0.1, 0.05, 0.15, (0.1, 0.1)).verdict == "holds on average, not for sure"
    assert comparison(0.1, 0.05, 0.15, (0.3, -0.1, 0.1)).verdict == "holds on average, not for sure"
    assert comparison(-0.1, -0.15, -0.05, (-0.1, -0.08, -0.12)).verdict == "does not hold: it is the other way round"
    assert comparison(-0.1, -0.15, -0.05, (-0.1, -0.1)).verdict == "does not show"
    assert comparison(-0.1, -0.15, -0.05, (-0.3, 0.1, -0.1)).verdict == "does not show"


def test_interval_of_a_difference_holds_songs_and_seeds():
    base = [statistics.ranking(scored(1.0, seed), 400)["roc_auc"] for seed in range(4)]
    shifts = (0.0, 0.02, 0.04, 0.06)
    moved = [
        dataclasses.replace(a, value=a.value + s, samples=a.samples + s) for a, s in zip(base, shifts, strict=True)
    ]
    told = statistics.paired_difference(moved, base)
    assert float(told.value) == pytest.approx(0.03)
    # The songs cancel out: what is left is the bootstrap of four seeds.
    assert np.std(told.samples) == pytest.approx(np.std(shifts) / 2, rel=0.1)
    low, high = statistics.ends_of(told)
    assert low < 0.02 < 0.04 < high


def test_fewer_than_ten_songs_have_no_interval_and_no_verdict():
    few = scored(1.0, n=9 * 8)
    told = statistics.with_interval(statistics.ranking(few, 50)["roc_auc"])
    assert told["value"] is not None
    assert (told["low"], told["high"]) == (None, None)
    assert statistics.with_interval(statistics.ranking(scored(1.0, n=80), 50)["roc_auc"])["low"] is not None
    said = comparison(0.1, float("nan"), float("nan"), (0.1, 0.1, 0.1))
    assert said.verdict == "cannot be said of fewer than 10 songs"
    assert markdown.signed(said.to_dict()) == "+0.100"


def test_interval_that_ends_at_its_value_is_marked():
    assert markdown.estimate({"value": 0.8, "low": 0.7, "high": 0.9}) == "0.800 [0.700, 0.900]"
    assert markdown.estimate({"value": 0.9, "low": 0.7, "high": 0.9001}) == "0.900 [0.700, 0.900]†"
    assert markdown.signed({"value": -0.01, "low": -0.008, "high": 0.1}) == "-0.010 [-0.008, +0.100]†"


def test_the_claim_of_figure_3_follows_from_the_figures():
    given = results("figure3", {("finetuned", p): 1.5 - abs(p - 0.4) for p in (0.0, 0.4, 1.0)})
    (said,) = sentences(given, comparisons(given))
    assert "ROC-AUC" in said and said.count("at 0.4") >= 3
    assert "over non-musical mixtures alone +0." in said and said.count("holds") == 2


def test_figure_3_with_a_second_factor_is_told_level_by_level():
    few, many = (("mixing.musical_songs", 15),), (("mixing.musical_songs", None),)
    given = results("figure3", {("frozen", p): 1.5 - abs(p - 0.4) for p in (0.0, 0.4, 1.0)})
    other = results("figure3", {("frozen", p): 1.0 + p / 2 for p in (0.0, 0.4, 1.0)})
    for part, changes in ((given, few), (other, many)):
        for each in part.arms:
            each.arm.changes = changes
    both = dataclasses.replace(given, arms=[*given.arms, *other.arms])
    compared = comparisons(both)
    assert {(c.better, c.worse) for c in compared} == {
        (f"0.4, musical_songs {level}", f"{p}, musical_songs {level}") for level in ("15", "none") for p in ("0", "1")
    }
    first, second = sentences(both, compared)
    assert first.startswith("240 mixtures, musical_songs 15: best ROC-AUC") and first.count("at 0.4") >= 3
    assert second.startswith("240 mixtures, musical_songs none: best") and "at 1" in second


def test_the_claim_of_figure_4_names_classes():
    given = results("figure4", {("finetuned", 0.4): 3.0})
    for arm in given.arms:
        for decided in arm.decided.values():
            decided["f1"].value[LABELS.index("brass")] = 0
    one, each, gain = sentences(given, [])
    assert one.startswith("One threshold for all classes: brass with an F1 of 0 (in the paper brass)")
    assert "percussion 0.9" in each
    assert gain.startswith("Macro F1 with a threshold for each class over one for all: ")


def test_a_table_of_recordings(tmp_path):
    for name in "ab":
        (tmp_path / f"{name}.wav").write_bytes(b"")
    table = tmp_path / "labels.csv"
    table.write_text("file,electric guitar,piano,group\na.wav,1,,x\nb.wav,0,1,x\n", "utf-8")
    clips = read_clips(table, tmp_path)
    guitar, piano = LABELS.index("electric_guitar"), LABELS.index("piano")
    assert clips.targets[:, [guitar, piano]].tolist() == [[1, -1], [0, 1]]
    assert (clips.targets[:, LABELS.index("voice")] == -1).all()
    assert clips.groups.tolist() == ["x", "x"]
    for text, reason in (
        ("file,piano\nc.wav,1\n", "c.wav: no such file"),
        ("file,piano\na.wav,yes\n", "a.wav: piano must be 1, 0 or empty, got 'yes'"),
        ("name,piano\na.wav,1\n", "no column `file`"),
        ("file,kazoo\na.wav,1\n", "no column is a label"),
        ("", "no rows"),
    ):
        table.write_text(text, "utf-8")
        with pytest.raises(ConfigError, match=reason):
            read_clips(table, tmp_path)


def test_the_pictures_have_no_clock_in_them(tmp_path):
    figure = {"value": 0.8, "low": 0.7, "high": 0.9, "seeds": [0.8], "spread": None}
    tests = {"120": dict.fromkeys(paper.METRICS, figure)}
    plain = {
        "backbone": "b", "scale": "s", "arms": [{"seed": 0}], "test_sets": tests,
        "conditions": {"frozen": {"tests": tests, "seeds": [0]}},
    }  # fmt: skip
    given = SimpleNamespace(recipe=SimpleNamespace(experiment="table1"))
    for name in "ab":
        assert pictures.draw(given, plain, tmp_path / name) == ["table1.png"]  # type: ignore[arg-type]
    for suffix in ("png", "svg"):
        assert (tmp_path / f"a/table1.{suffix}").read_bytes() == (tmp_path / f"b/table1.{suffix}").read_bytes()
