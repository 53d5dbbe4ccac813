"""Gathering of open audio: got from a repository or a package, laid out, told in tables, kept between runs."""

from __future__ import annotations

import csv
import hashlib
import http.server
import io
import shutil
import subprocess
import sys
import tarfile
import threading
import zipfile
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SCRIPTS = Path(__file__).parents[2] / "scripts"
sys.path.insert(0, str(SCRIPTS))

import gather_corpus  # noqa: E402
from gathering import download, grooves, layout, manifest  # noqa: E402

from bounds import bounded  # noqa: E402
from bradl15_labels import decode  # noqa: E402
from organology.corpora.registry import find  # noqa: E402
from organology.errors import ConfigError, OrganologyError  # noqa: E402

RATE = 32_000
pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="needs git")


def note(path: Path, hertz: float, seconds: float = 0.6, rate: int = 44_100) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * rate)) / rate
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * hertz * time) * np.exp(-3 * time), rate)


def drumming(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    track = mido.MidiTrack()
    for beat in range(16):
        for pitch in (36, 42) if beat % 2 == 0 else (38, 42):
            track.append(mido.Message("note_on", channel=9, note=pitch, velocity=40 + 5 * beat))
        track.append(mido.Message("note_off", channel=9, note=36, time=480))
    mido.MidiFile(tracks=[track]).save(path)


@pytest.fixture(scope="module")
def mirror(tmp_path_factory) -> tuple[Path, str]:
    """A folder with a copy of somebody+samples, and its commit."""
    root = tmp_path_factory.mktemp("mirror")
    repo = root / "somebody+samples"
    for i in range(4):
        note(repo / "guitar" / f"note {i}.wav", 110 * (i + 1))
        note(repo / "song" / f"1.Tune_Stem_HAT {i}.wav", 3000 + 100 * i)
    note(repo / "song" / "1.Tune_Stem_VOX.wav", 300)
    note(repo / "kit" / "kick.wav", 60)
    note(repo / "kit" / "snare.wav", 200)
    note(repo / "kit" / "hat.wav", 6000, 0.1)
    drumming(repo / "drummer" / "1_rock_beat_4-4.mid")
    (repo / "guitar" / "broken.wav").write_bytes(b"RIFF nothing")
    (repo / "LICENSE").write_text("CC0")
    git = ["git", "-C", str(repo), "-c", "user.name=a", "-c", "user.email=a@b"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "all"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    (repo / "repo").symlink_to(repo / ".git", target_is_directory=True)
    return root, commit


def entry(commit: str, name: str, *takes: dict, **changes) -> dict:
    return {
        "name": name, "get": {"github": "somebody/samples", "ref": commit}, "licence": "CC0 1.0", "by": "Somebody",
        "take": list(takes), **changes,
    }  # fmt: skip


GUITAR = {
    "files": "guitar/*.wav",
    "as": "join",
    "families": ["plucked_string"],
    "instruments": ["electric_guitar"],
    "kind": "notes",
    "file_seconds": 2,
}
HATS = {
    "files": "song/*_Stem_HAT*.wav",
    "as": "sum",
    "group": "song/\\d\\.(\\w+)_Stem",
    "stem": "drums",
    "families": ["percussion"],
    "instruments": ["drums"],
    "aligned": True,
}
VOX = {
    "files": "song/*_Stem_VOX.wav",
    "group": "song/\\d\\.(\\w+)_Stem",
    "stem": "vox",
    "families": ["voice"],
    "mask": ["singer"],
    "aligned": True,
}
KIT = {
    "as": "groove",
    "stem": "kit",
    "families": ["percussion"],
    "instruments": ["drums"],
    "file_seconds": 6,
    "minutes": 0.1,
    "kit": {"kick": "kit/kick.wav", "snare": "kit/snare.wav", "closed": "kit/hat.wav"},
}
RAIN = {"files": "kit/hat.wav", "families": ["none"], "mask": ["voice"], "kind": "loop"}
MIDI = {"files": "drummer/**/*.mid", "as": "midi"}


def run(monkeypatch, folder: Path, mirror: Path, sources: list[dict], *words: str) -> int:
    path = folder / "sources.yaml"
    path.write_text(yaml.safe_dump({"sources": sources}))
    line = ["gather_corpus.py", "--manifest", path, "--out", folder / "out", "--mirror", mirror, *words]
    monkeypatch.setattr(sys, "argv", list(map(str, line)))
    return gather_corpus.main()


def rows_of(folder: Path) -> list[dict[str, str]]:
    with (folder / "out" / "stems" / "stems.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_gather_recordings_are_copied_for_prepare(monkeypatch, tmp_path, mirror):
    root, commit = mirror
    take = {"files": "song/*.wav", "as": "recordings"}
    assert run(monkeypatch, tmp_path, root, [entry(commit, "music", take)]) == 0
    copied = [path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").glob("recordings/**/*.wav")]
    assert sorted(copied) == sorted(
        f"recordings/music/song/1.Tune_Stem_{name}.wav" for name in ("VOX", "HAT 0", "HAT 1", "HAT 2", "HAT 3")
    )
    assert rows_of(tmp_path) == []


def test_gather_repository_becomes_stems_that_prepare_reads(monkeypatch, tmp_path, mirror, capsys):
    root, commit = mirror
    sources = [
        entry(commit, "groove", MIDI), entry(commit, "guitars", GUITAR), entry(commit, "song", HATS, VOX),
        entry(commit, "kit", KIT, licence="CC BY 4.0"), entry(commit, "rain", RAIN),
    ]  # fmt: skip
    assert run(monkeypatch, tmp_path, root, sources) == 1  # one file is broken
    said = capsys.readouterr()
    assert "broken.wav" in said.err and len(said.err.strip().splitlines()) == 1
    rows = {row["song"]: row for row in rows_of(tmp_path)}
    assert rows["guitars notes_00"]["instruments"] == "electric_guitar" and rows["guitars notes_00"]["kind"] == "notes"
    assert rows["kit kit_00_1_rock_beat_4_4"]["licence"] == "CC BY 4.0"
    assert sum(row["song"] == "song tune" and row["aligned"] == "true" for row in rows_of(tmp_path)) == 2
    for row in rows_of(tmp_path):
        info = soundfile.info(tmp_path / "out" / "stems" / row["path"])
        assert (info.samplerate, info.channels) == (RATE, 1) and info.frames > 0
    items = list(find("stems").corpus().read(tmp_path / "out" / "stems"))
    assert {item.song for item in items} == set(rows)  # no issue: every row is understood
    [rain] = next(item for item in items if item.song == "rain hat").stems
    assert decode(rain) == ([], ["voice"])
    told = (tmp_path / "out" / "LICENCES.tsv").read_text().splitlines()
    assert told[0].startswith("source\tplace\tlicence") and len(told) == 6
    assert told[2].split("\t")[2:4] == ["CC0 1.0", "Somebody"]


def test_gather_again_makes_nothing_anew_and_keeps_other_sources(monkeypatch, tmp_path, mirror):
    root, commit = mirror
    sources = [entry(commit, "song", VOX), entry(commit, "hats", HATS)]
    assert run(monkeypatch, tmp_path, root, sources) == 0
    files = sorted((tmp_path / "out" / "stems").rglob("*.flac"))
    before = {path: path.stat().st_mtime_ns for path in files}
    assert run(monkeypatch, tmp_path, tmp_path / "nowhere", sources, "--only", "song") == 0
    assert {path: path.stat().st_mtime_ns for path in files} == before
    assert len(rows_of(tmp_path)) == 2


def test_gather_source_that_cannot_be_had_costs_one_line(monkeypatch, tmp_path, mirror, capsys):
    root, commit = mirror
    lost = entry("0" * 40, "lost", VOX)
    empty = entry(commit, "empty", {"files": "nothing/*.wav"})
    assert run(monkeypatch, tmp_path, root, [lost, empty, entry(commit, "song", VOX)]) == 1
    lines = capsys.readouterr().err.strip().splitlines()
    assert [line.split(":")[0] for line in lines] == ["lost", "empty"]
    assert len(rows_of(tmp_path)) == 1
    with pytest.raises(OrganologyError, match="no source other"):
        run(monkeypatch, tmp_path, root, [lost], "--only", "other")


@pytest.mark.skipif(not shutil.which("dpkg-deb"), reason="needs dpkg-deb")
def test_gather_debian_package_is_checked_and_unpacked(tmp_path):
    tree = tmp_path / "tree"
    note(tree / "usr" / "share" / "sounds" / "a.wav", 440)
    (tree / "DEBIAN").mkdir()
    (tree / "DEBIAN" / "control").write_text(
        "Package: tones\nVersion: 1:2.0-1\nArchitecture: all\nMaintainer: a <a@b>\nDescription: tones\n"
    )
    package = tmp_path / "cache" / "packages" / "tones_2.0-1_all.deb"
    package.parent.mkdir(parents=True)
    subprocess.run(["dpkg-deb", "--build", "--root-owner-group", tree, package], check=True, capture_output=True)
    right = manifest.Get(debian="tones", ref="1:2.0-1", sha256=download.sha256(package))
    folder = download.fetch(right, tmp_path / "cache", ["**/*.wav"])
    assert (folder / "usr" / "share" / "sounds" / "a.wav").is_file()
    wrong = manifest.Get(debian="tones", ref="1:2.0-1", sha256="0" * 64)
    with pytest.raises(download.GatherError, match="checksum"):
        download.fetch(wrong, tmp_path / "cache", ["*"])
    assert not package.exists()


def test_unpack_archive_cannot_write_elsewhere(tmp_path):
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as file:
        file.writestr("../out.txt", "x")
    with pytest.raises(download.GatherError, match="leads out"):
        download.unpack(tmp_path / "bad.zip", tmp_path / "folder")


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.tar.gz"])
def test_unpack_archive_that_grows_beyond_measure_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(download, "MOST_UNPACKED", 1 << 20)
    (tmp_path / "zeros").write_bytes(bytes(3 << 20))
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as file:
            file.write(tmp_path / "zeros", "zeros")
    else:
        with tarfile.open(tmp_path / name, "w:gz") as file:
            file.add(tmp_path / "zeros", "zeros")
    (tmp_path / "folder").mkdir()
    with pytest.raises(download.GatherError, match=f"{name}: holds more than"):
        download.unpack(tmp_path / name, tmp_path / "folder")
    assert not (tmp_path / "folder" / "zeros").exists()


@pytest.mark.parametrize(
    "path, pattern, expected",
    [
        ("a/b/c.wav", "**/*.wav", True), ("c.wav", "**/*.wav", True), ("a/b/c.wav", "a/*.wav", False),
        ("a/b.WAV", "a/*.wav", True), ("a/b+c (1).wav", "a/b+c (1).wav", True), ("a/bc.wav", "a/b?.wav", True),
        ("a/b/c", "a/**", True),
    ],
)  # fmt: skip
def test_globs_match_the_files_they_name(path, pattern, expected):
    assert download.matches(path, pattern) == expected


@pytest.mark.parametrize(
    "change, message",
    [
        ({"licence": "CC BY-NC 4.0"}, "is not open"),
        ({"licence": "all rights reserved"}, "is not open"),
        ({"get": {"github": "a/b", "ref": "main"}}, "40 digits"),
        ({"get": {"github": "a/b", "ref": "0" * 40, "url": "http://x"}}, "exactly one"),
        ({"take": [{"files": "*", "families": ["horns"]}]}, "no label 'horns'"),
        ({"take": [{"files": "*", "sa": "join"}]}, "sa"),
    ],
)
def test_load_manifest_at_fault_is_refused(tmp_path, change, message):
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump({"sources": [entry("0" * 40, "a", VOX, **change)]}))
    with pytest.raises(ConfigError, match=message):
        manifest.load(path)


def test_load_manifest_of_the_project_is_sound():
    sources = manifest.load(SCRIPTS / "gathering" / "sources.yaml")
    assert len(sources) > 40
    assert all(source.take for source in sources)
    for source in sources:
        for take in source.take:
            if take.as_ in ("whole", "join", "sum", "groove"):
                assert take.families, f"{source.name}: a stem without a family"
    first = [source.name for source in sources].index("groove")
    assert all(take.as_ != "groove" for source in sources[:first] for take in source.take)
    everything = next(source for source in sources if source.name == "everythingisfree")
    assert all("Sodium" in take.leave_out for take in everything.take)  # the song is kept apart


def test_join_notes_are_trimmed_and_the_same_each_time(tmp_path):
    for i in range(6):
        path = tmp_path / f"{i}.wav"
        note(path, 220 * (i + 1), 1.0, RATE)
        samples, _ = soundfile.read(path)
        soundfile.write(path, np.concatenate([np.zeros(RATE), samples, np.zeros(RATE)]), RATE)
    paths = sorted(tmp_path.glob("*.wav"))
    a, b = (list(layout.join(paths, 3, 0.5, 2.0, True, [])) for _ in range(2))
    assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
    assert sum(map(len, a)) < 6 * 0.95 * RATE  # the silence is gone
    assert all(abs(np.abs(piece).max() - layout.PEAK) < 1e-5 for piece in a)


def test_gather_drums_are_hit_when_and_as_hard_as_played(tmp_path):
    drumming(tmp_path / "x_beat_.mid")
    hits = grooves.read_hits(tmp_path / "x_beat_.mid")
    assert [name for _, name, _ in hits[:4]] == ["kick", "closed", "snare", "closed"]
    click = np.zeros(800, np.float32)
    click[0] = 1
    kit = {"kick": [click]}
    (_, stem), *rest = grooves.play(kit, [tmp_path / "x_beat_.mid"], 0, 12.0, 3, [])
    assert not rest
    places = np.flatnonzero(stem) / RATE
    kicks = [time for time, name, _ in hits if name == "kick"]
    np.testing.assert_allclose(places, kicks, atol=2 / RATE)
    assert np.all(np.diff(stem[np.flatnonzero(stem)]) > 0)


# -- downloads ---------------------------------------------------------------------------------------------------------

BODY = bytes(range(256)) * 40


class Server(http.server.ThreadingHTTPServer):
    """Serves BODY with ranges; of the first `cuts` answers only half arrives."""

    def __init__(self, cuts: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.cuts, self.asked = cuts, []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{path}"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        given = self.headers.get("Range")
        self.server.asked.append(given)
        start = int(given.removeprefix("bytes=").rstrip("-")) if given else 0
        if start >= len(BODY):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(BODY)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if given else 200)
        self.send_header("Content-Length", str(len(BODY) - start))
        self.end_headers()
        body = BODY[start:]
        if self.server.cuts:
            self.server.cuts -= 1
            body = body[: len(body) // 2]
            self.close_connection = True
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture
def serve():
    servers = []

    def start(**options):
        servers.append(Server(**options))
        return servers[-1]

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def source_at(url: str) -> manifest.Get:
    return manifest.Get(url=url, sha256=hashlib.sha256(BODY).hexdigest())


def test_fetch_cut_download_is_not_taken_as_whole_and_goes_on(tmp_path, serve):
    server = serve(cuts=1)
    get = source_at(server.url("a.bin"))
    with pytest.raises(download.GatherError, match=rf"cut off at {len(BODY) // 2} of {len(BODY)} bytes"):
        download.fetch(get, tmp_path, ["*"])
    folder = download.fetch(get, tmp_path, ["*"])
    (path,) = folder.glob("*.bin")
    assert path.read_bytes() == BODY and server.asked == [None, f"bytes={len(BODY) // 2}-"]
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("there", [BODY, BODY + b"more"], ids=["finished", "too long"])
def test_fetch_part_that_was_finished_blocks_no_later_run(tmp_path, serve, there):
    get = source_at(serve().url("a.bin"))
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / f"{download.file_name(get.url)}.part").write_bytes(there)
    (path,) = download.fetch(get, tmp_path, ["*"]).glob("*.bin")
    assert path.read_bytes() == BODY


def test_fetch_two_urls_of_one_base_name_are_two_files(tmp_path, serve):
    server = serve()
    folders = [download.fetch(source_at(server.url(f"{place}/kit.bin")), tmp_path, ["*"]) for place in "ab"]
    assert folders[0] != folders[1] and server.asked == [None, None]
    assert len(list((tmp_path / "packages").iterdir())) == 2


@pytest.mark.parametrize(("url", "name"), [("http://x/..", "file"), ("http://x/a%2F..%2Fb?c=/d", "a_2F.._2Fb")])
def test_file_name_is_safe(url, name):
    assert download.file_name(url).partition("-")[2] == name


@pytest.mark.parametrize(
    "change, message",
    [
        ({"name": "../.."}, "name must be a file name"),
        ({"name": ""}, "name must be a file name"),
        ({"get": {"url": "file:///etc/passwd", "sha256": "0" * 64}}, "url must be http"),
        ({"get": {"url": "http://x/a.zip"}}, "with a sha256"),
        ({"get": {"github": "../x", "ref": "0" * 40}}, "OWNER/NAME"),
        ({"get": {"pypi": "--index-url=http://x", "ref": "1"}}, "a package needs a name"),
        ({"get": {"debian": "x", "ref": "-o=1"}}, "a version"),
        ({"take": [{"files": "*", "stem": "../../x"}]}, "stem must be a file name"),
        ({"take": 3}, "take"),
    ],
)
def test_load_manifest_that_leads_elsewhere_is_refused(tmp_path, change, message):
    path = tmp_path / "sources.yaml"
    path.write_text(yaml.safe_dump({"sources": [entry("0" * 40, "a", VOX) | change]}))
    with pytest.raises(ConfigError, match=message):
        manifest.load(path)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from([".zip", ".whl", ".tar.gz", ".tar"]), st.booleans())
def test_unpack_any_bytes_is_unpacked_or_one_line(tmp_path, data, suffix, begun):
    archive = tmp_path / f"a{suffix}"
    head = io.BytesIO()
    with zipfile.ZipFile(head, "w") as file:
        file.writestr("a.txt", "hello" * 20)
    archive.write_bytes((head.getvalue()[:60] if begun else b"") + data)
    with bounded(download.GatherError):
        download.unpack(archive, tmp_path / "folder")


def test_gather_any_exception_costs_one_line(monkeypatch, tmp_path, mirror, capsys):
    root, commit = mirror
    monkeypatch.setattr(gather_corpus.takes, "build", lambda *_: 1 / 0)
    assert run(monkeypatch, tmp_path, root, [entry(commit, "song", VOX)]) == 1
    assert capsys.readouterr().err.strip() == "song: ZeroDivisionError: division by zero"


def test_gather_failures_are_told_again_by_the_next_run(monkeypatch, tmp_path, mirror, capsys):
    root, commit = mirror
    assert run(monkeypatch, tmp_path, root, [entry(commit, "guitars", GUITAR)]) == 1
    first = capsys.readouterr().err
    assert run(monkeypatch, tmp_path, root, [entry(commit, "guitars", GUITAR)]) == 1
    assert capsys.readouterr().err == first and "broken.wav" in first
