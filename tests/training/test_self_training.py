"""Recordings without labels among the mixtures: their corpus, who says what they hold, and a run of it."""

from __future__ import annotations

import dataclasses
import hashlib

import numpy as np
import pytest
import soundfile as sf
import torch
from sklearn.linear_model import RidgeCV
from typer.testing import CliRunner

from corpora_trees_slakh import prepare_tags
from model_signals import metadata as about
from model_signals import settled
from organology import cli
from organology.corpora.tagging import ChunkConfig, TaggedChunks, TaggingPool
from organology.errors import ConfigError, CorpusError, ModelError
from organology.labels import Vocabulary, default_set
from organology.mixing import Mixer, StemPool
from organology.model import InstrumentNet, ModelConfig, load_checkpoint, save_checkpoint
from organology.model.taggers.musicnn import MusicTagger
from organology.training import load_pretraining_recipe, load_recipe
from organology.training.data import MixtureDataset
from organology.training.distillation.head_blending import PENALTIES, distill
from organology.training.run import train
from organology.training.teachers.config import SelfTraining
from organology.training.teachers.pseudo_labels import RECORDING_FLOOR_DB, PseudoLabeler
from organology.training.teachers.tags import TagTeacher, tag_table
from organology.training.transfer import data as transfer_data
from organology.training.transfer.data import compared_recordings, training_audio
from training_support import RATE, make_corpus, sound, write_recipe

LABELS = default_set().labels

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module", autouse=True)
def few_compared():
    """The tagger is brought to the model's spread on some recordings; a run of seconds needs no thousand of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer_data, "COMPARED_RECORDINGS", 48)
        yield


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A corpus of stems, a finished model, a folder of recordings (prepared), and a tagger that has learned nothing."""
    folder = tmp_path_factory.mktemp("self_training")
    make_corpus(folder / "corpus")
    train(load_recipe(write_recipe(folder / "tiny.yaml", folder / "corpus")), folder / "model")
    for number in range(10):
        path = folder / "music" / f"band {number % 2}" / f"song {number}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        sf.write(path, sound("piano", number) + sound("drums", number), RATE)
    sf.write(folder / "music" / "click.wav", sound("drums", 0)[:RATE], RATE)
    prepare_tags(
        "recordings",
        folder / "music",
        folder / "recordings",
        min_seconds=2,
        in_place=True,
        settings={"licence": "CC0-1.0"},
    )
    torch.save(random_tagger().state_dict(), folder / "musicnn.pth")
    return folder


def random_tagger():
    """New weights, but bands that hear something, at a level that the first batch norm expects."""
    torch.manual_seed(1)
    tagger = MusicTagger().eval()
    for band, row in enumerate(tagger.spec.mel_scale.fb.T):
        row[2 * band : 2 * band + 20] = 0.1
    tagger.spec_bn.running_mean.fill_(-10.0)
    tagger.spec_bn.running_var.fill_(400.0)
    return tagger


def recipe_of(place, name, **own):
    settings = {"recordings": ["recordings"], "model": "model/best", "tagger": "musicnn.pth", "per_batch": 2, **own}
    return load_recipe(
        write_recipe(place / f"{name}.yaml", place / "corpus", transfer="finetuned", self_training=settings)
    )


def waveforms(n=6):
    return torch.from_numpy(np.stack([sound("piano", i)[: 2 * RATE] for i in range(n)]).astype(np.float32))


def test_prepare_recordings_folder_becomes_a_corpus_without_tags(place, tmp_path):
    pool = TaggingPool.load([place / "recordings"], "train")
    assert pool.tags == ()
    tracks = {track for _, track in pool.tracks} | {
        track for _, track in TaggingPool.load([place / "recordings"], "validation").tracks
    }
    assert tracks == {f"band {n % 2}/song {n}.flac" for n in range(10)}  # the click is too short
    assert len(pool) == 9
    out = tmp_path / "again"
    told = CliRunner().invoke(
        cli.command_line(),
        ["prepare", "recordings", str(place / "music"), "--out", str(out), "--fractions", "0.5,0.5,0"],
    )
    assert told.exit_code == 0, told.output
    assert "11 tracks" in told.output
    assert len(TaggingPool.load([out], "validation")) in (5, 6)
    assert all(path.is_relative_to(out) for path in TaggingPool.load([out], "train").paths)


def test_pretrain_on_recordings_without_tags_is_refused(place, tmp_path):
    recipe = tmp_path / "pretraining.yaml"
    recipe.write_text(f"corpora: [{place / 'recordings'}]\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="recordings: recordings without tags"):
        train(load_pretraining_recipe(recipe), tmp_path / "run")


def test_prepare_recordings_other_folder_is_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    for folder, reason in (("nowhere", "no such folder"), ("empty", "no audio in this folder")):
        with pytest.raises(CorpusError, match=f"{folder}: {reason}"):
            prepare_tags("recordings", tmp_path / folder, tmp_path / "out")


def test_tag_table_gives_the_tags_of_each_label():
    from organology.corpora.readers.jamendo import TAGS

    table = {
        label: {TAGS[i].removeprefix("instrument---") for i in tags}
        for label, tags in zip(LABELS, tag_table(default_set()), strict=True)
    }
    assert table["piano"] == {"piano"}
    assert table["key"] == {"piano", "keyboard", "electricpiano"}
    assert table["electric_bass"] == {"bass"}
    assert table["singer"] == table["voice"] == {"voice"}
    assert table["drums"] == {"drums", "drummachine"}
    assert table["brass"] == table["woodwind"] == set()
    names = list(Vocabulary.load("magnatagatune_top50").entries)
    assert len(names) == 50 and names[:3] == ["guitar", "classical", "slow"] and names[-1] == "choral"
    table = {
        label: {names[i] for i in tags}
        for label, tags in zip(LABELS, tag_table(default_set(), "magnatagatune"), strict=True)
    }
    assert table["key"] == {"piano", "harpsichord"} and table["bowed_string"] == {"strings", "violin", "cello"}
    assert table["drums"] == {"drums"} and table["percussion"] == {"drums", "beat", "beats"}
    assert table["acoustic_guitar"] == {"guitar"} and table["brass"] == set()
    assert {"singing", "choir", "female voice"} < table["singer"] == table["voice"]


def test_tag_teacher_knows_what_it_has_tags_for(place):
    every = TagTeacher(place / "musicnn.pth", default_set())
    says = dict(zip(LABELS, every.knows.tolist(), strict=True))
    assert not says["brass"] and not says["woodwind"] and says["piano"]
    some = TagTeacher(place / "musicnn.pth", default_set(), ("piano", "drums"))
    assert some.knows.sum() == 2
    logits = some.logits(waveforms())
    assert (logits[:, ~some.knows] == 0).all()
    assert torch.equal(logits[:, some.knows], every.logits(waveforms())[:, some.knows])
    with pytest.raises(ModelError, match=r"no tag for 'brass'"):
        TagTeacher(place / "musicnn.pth", default_set(), ("brass",))


def test_tagger_front_end_at_32_khz_is_that_of_16_khz():
    """Its front end takes a transform of twice the length in place of resampling."""
    tagger = MusicTagger().eval()
    rng = np.random.default_rng(5)
    tagger.spec.mel_scale.fb.copy_(torch.from_numpy(rng.random((257, 96)).astype(np.float32)))
    t = np.arange(2 * RATE) / RATE
    tone = sum(np.sin(2 * np.pi * f * t + f) for f in (220, 1234, 3000, 6500)).astype(np.float32)
    here = tagger.spec(torch.from_numpy(tone)[None])
    window = torch.hann_window(512)
    half = torch.from_numpy(tone[::2])[None]  # nothing in it above 8 kHz
    power = torch.stft(half, 512, 256, window=window, return_complex=True).abs().square()
    there = 10 * torch.log10((tagger.spec.mel_scale.fb.T @ power).clamp(min=1e-10))
    assert (here - there)[:, :, 2:-2].abs().max() < 0.05


def test_pseudo_labels_of_known_scores_are_exact(place):
    config = SelfTraining((place / "recordings",), place / "model/best", place / "musicnn.pth", tagger_share=0.25)
    committee, x = PseudoLabeler(config, default_set()), waveforms()
    committee.compare([x[:4], x[4:]])
    network, _ = load_checkpoint(place / "model/best")
    with torch.no_grad():
        model = network(x).double()
    tagger = TagTeacher(place / "musicnn.pth", default_set())
    tags = tagger.logits(x).double()
    like_model = (tags - tags.mean(0)) / tags.std(0).clamp(min=1e-6) * model.std(0) + model.mean(0)
    wanted = torch.where(tagger.knows, 0.75 * model + 0.25 * like_model, model).sigmoid()
    assert (committee.scores(x) - wanted).abs().max() < 1e-3
    alone = PseudoLabeler(SelfTraining((place / "recordings",), place / "model/best"), default_set())
    alone.compare([x])
    assert (alone.scores(x) - model.sigmoid()).abs().max() < 1e-6


def test_self_training_recordings_follow_the_mixtures_of_each_batch(place):
    recipe = recipe_of(place, "order")
    mixer = Mixer(StemPool.load(recipe.corpora, "train", recipe.mixing), recipe.mixing, recipe.seed)
    audio, mixtures = training_audio(recipe, MixtureDataset(mixer)), MixtureDataset(mixer)
    for index in (0, 3, 6, 9):
        batch, at = divmod(index, 6)
        assert torch.equal(audio[index].waveform, mixtures[4 * batch + at].waveform)
    for index, number in ((4, 0), (5, 1), (10, 2)):
        item = audio[index]
        assert (item.targets == -1).all()
        assert item.songs.startswith("recordings/band ")
        assert torch.equal(item.waveform, audio.recording(number).waveform)
    assert not torch.equal(audio[4].waveform, audio[5].waveform)
    batches = list(compared_recordings(audio, 24))
    assert [len(batch) for batch in batches] == [24, 24]
    assert torch.equal(batches[1][0], audio.recording(24).waveform)


def test_self_training_run_goes_on_with_the_model_and_resumes(place):
    recipe = recipe_of(place, "whole")
    summary = train(recipe, place / "whole")
    assert summary["epochs"] == 2
    start, _ = load_checkpoint(place / "model/best")
    after, metadata = load_checkpoint(place / "whole/best")
    moved = [float((a - b).detach().abs().max()) for a, b in zip(after.parameters(), start.parameters(), strict=True)]
    assert 0 < max(moved) < 0.2  # six steps from there, not from new weights
    assert metadata.provenance["recordings"][0]["licences"] == {"CC0-1.0": 10}
    weights = (place / "model/best/model.safetensors").read_bytes()
    assert metadata.provenance["init_from"] == {"name": "tiny", "sha256": hashlib.sha256(weights).hexdigest()}
    with pytest.raises(KeyboardInterrupt), pytest.MonkeyPatch.context() as patch:
        patch.setattr("organology.training.module.TrainingModule.validation_step", _interrupted_in_the_second_epoch)
        train(recipe, place / "parts")
    train(recipe, place / "parts", resume=True)
    again, _ = load_checkpoint(place / "parts/best")
    assert all(torch.equal(a, b) for a, b in zip(again.parameters(), after.parameters(), strict=True))


def _interrupted_in_the_second_epoch(self, batch, batch_idx):
    if self.current_epoch == 1:
        raise KeyboardInterrupt
    self._validated.append((batch.targets.cpu(), self.score_batch(batch.waveform)))


def test_self_training_tagger_and_weight_move_the_result(place):
    """The tagger's share moves the weights elsewhere; the recordings' weight 0 leaves them out."""
    scores = {}
    for name, tagger, weight in (("none", "musicnn.pth", 0.0), ("alone", None, 0.9), ("both", "musicnn.pth", 0.9)):
        train(recipe_of(place, name, tagger=tagger, weight=weight), place / name)
        network, _ = load_checkpoint(place / name / "best")
        with torch.no_grad():
            scores[name] = network(waveforms())
    assert not torch.allclose(scores["none"], scores["alone"], atol=1e-4)
    assert not torch.allclose(scores["alone"], scores["both"], atol=1e-4)


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"recordings": []}, "recordings names no prepared folder"),
        ({"tagger_share": 2}, "tagger_share must be from 0 to 1"),
        ({"per_batch": 0}, "per_batch must be 1 or more"),
        ({"gain_db": [3, -3]}, "gain_db must be a lowest and a highest gain"),
        ({"overlay": 0.5}, "self_training.overlay was removed"),
        ({"tagger_labels": ["kazoo"]}, "not a label of bradl15: 'kazoo'"),
    ],
)
def test_self_training_wrong_settings_are_refused(place, own, reason):
    with pytest.raises(ConfigError, match=reason):
        recipe_of(place, "wrong", **own)


def test_self_training_missing_files_are_refused(place):
    for own, reason in (
        ({"model": "nowhere"}, "nowhere: no such checkpoint folder"),
        ({"tagger": "no.pth"}, "no.pth: no such music tagger"),
        ({"recordings": ["corpus"]}, "corpus"),
    ):
        with pytest.raises((ConfigError, CorpusError), match=reason):
            train(recipe_of(place, "missing", **own), place / "missing")


def test_self_training_without_its_model_is_refused(place):
    own = {"recordings": ["recordings"], "model": "model/best"}
    with pytest.raises(ConfigError, match="transfer cannot be scratch"):
        load_recipe(write_recipe(place / "scratch.yaml", place / "corpus", self_training=own))
    recipe = recipe_of(place, "other")
    other = dataclasses.replace(recipe, model=ModelConfig(channels=(4, 6, 8, 8, 8, 8, 10)))
    with pytest.raises(ModelError, match="its network is not the recipe's `model`"):
        train(other, place / "other")


def test_self_training_at_another_level_scores_alike(place):
    recipe = recipe_of(place, "leveled")
    leveled = dataclasses.replace(recipe.model.frontend_config, level_db=-30.0)
    recipe = dataclasses.replace(recipe, model=dataclasses.replace(recipe.model, frontend=leveled))
    train(recipe, place / "leveled")
    before, _ = load_checkpoint(place / "model/best")
    after, metadata = load_checkpoint(place / "leveled/best")
    assert metadata.frontend["level_db"] == -30 and before.frontend.config.level_db is None
    x = waveforms()
    with torch.no_grad():
        torch.testing.assert_close(after(0.1 * x), after(x), atol=1e-3, rtol=0)
        assert not torch.allclose(before(0.1 * x), before(x), atol=1e-3)


@pytest.mark.parametrize("head", ["paper", "linear", "anchored"])
def test_blend_of_any_head_mixes_another_layer_in(head):
    backbone = "mobilenet" if head == "anchored" else "short-chunk"
    channels = {} if head == "anchored" else {"channels": (4, 6, 8, 8, 8, 8, 8)}
    torch.manual_seed(2)
    net = InstrumentNet(ModelConfig(backbone, head, head_norm=head != "paper", **channels)).eval()
    with torch.no_grad():
        embedding = net.embed(waveforms())
        own, features = net.head(embedding), net.head.features(embedding)
        weight, bias, share = torch.randn(15, features.shape[1]), torch.randn(15), torch.linspace(0, 1, 15)
        net.head.blend(weight, bias, share)
        wanted = (1 - share) * own + share * (features @ weight.T + bias)
        assert torch.allclose(net.head(embedding), wanted, atol=1e-4)


def test_distill_verb_blends_the_labels_that_are_named(place, tmp_path):
    arguments = ["distill", place / "model/best", place / "recordings", "--tagger", place / "musicnn.pth"]
    some = ["--label", "piano", "--label", "electric bass", "--chunks", "64", "--share", "0.5"]
    told = CliRunner().invoke(cli.command_line(), [*map(str, arguments), *some, "--out", str(tmp_path / "out")])
    assert told.exit_code == 0, told.output
    assert "electric_bass" in told.output and "violin" not in told.output
    before, _ = load_checkpoint(place / "model/best")
    after, metadata = load_checkpoint(tmp_path / "out")
    explained = metadata.provenance["distilled"][-1]["explained_variance"]
    assert set(explained) == {"piano", "electric_bass"}
    x = waveforms()
    with torch.no_grad():
        own, mixed = before(x), after(x)
    said = [label in explained for label in LABELS]
    assert torch.equal(own[:, [not s for s in said]], mixed[:, [not s for s in said]])
    assert not torch.allclose(own[:, said], mixed[:, said], atol=1e-3)


def test_distill_with_share_1_is_the_regression_of_the_tagger_on_the_features(place, tmp_path):
    """Brought to the mean and spread of the network's own logits; what it explains is measured on other recordings."""
    own = settled(ModelConfig(channels=(4, 6, 8, 8, 8, 8, 8)))  # a run of seconds has features that hardly vary
    save_checkpoint(tmp_path / "own", own, dataclasses.replace(about(own), window_seconds=1.1))
    net, metadata = distill(tmp_path / "own", [place / "recordings"], place / "musicnn.pth", 1.0, ("piano",), 160)
    teacher, piano = TagTeacher(place / "musicnn.pth", default_set()), LABELS.index("piano")
    features, before, wanted, made = {}, {}, {}, {}
    for split, count in (("train", 160), ("validation", 16)):
        chunks = TaggedChunks(
            TaggingPool.load([place / "recordings"], split),
            ChunkConfig(chunk_seconds=1.1, floor_db=RECORDING_FLOOR_DB),
        )
        audio = torch.from_numpy(np.stack([chunks.chunk(i).audio for i in range(count)]))
        with torch.no_grad():
            features[split] = own.head.features(own.embed(audio)).double().numpy()
            before[split] = own(audio)[:, piano].double().numpy()
            wanted[split] = teacher.logits(audio)[:, piano].double().numpy()
            made[split] = net(audio)[:, piano].double().numpy()
    mean, spread = wanted["train"].mean(), wanted["train"].std()
    like_own = {
        split: (each - mean) / spread * before["train"].std() + before["train"].mean() for split, each in wanted.items()
    }
    fit = RidgeCV(PENALTIES).fit(features["train"], like_own["train"])
    for split in ("train", "validation"):
        np.testing.assert_allclose(made[split], fit.predict(features[split]), atol=1e-3)
    explained = metadata.provenance["distilled"][-1]["explained_variance"]["piano"]
    assert explained == pytest.approx(fit.score(features["validation"], like_own["validation"]), abs=2e-3)
    assert np.corrcoef(made["train"], wanted["train"])[0, 1] > 0.3 > np.corrcoef(before["train"], wanted["train"])[0, 1]


def test_distill_wrong_settings_are_refused(place):
    settings = (place / "model/best", [place / "recordings"], place / "musicnn.pth")
    with pytest.raises(ConfigError, match="share must be from 0 to 1"):
        distill(*settings, share=2)
    with pytest.raises(ConfigError, match="chunks must be 32 or more"):
        distill(*settings, n_chunks=3)
    with pytest.raises(ModelError, match="no tag for 'woodwind'"):
        distill(*settings, labels=("woodwind",))
