"""A store as a JSON Feed."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile

from organology.errors import OptionError, OrganologyError
from organology.labels import default_set
from organology.labels.bradl15 import BRADL15, LABELS
from organology.library.feed import FeedOptions, parse_moment, write_feed
from organology.library.rows import FileState
from organology.library.store import Store
from organology.library.table import Library
from organology.model_metadata import ModelMetadata
from organology.recognition import Recognition

METADATA = ModelMetadata(default_set(), (0.5,) * 15, name="made")


def recognition(label):
    starts = np.arange(17.0)
    scores = np.zeros((17, 15), np.float32)
    scores[:, LABELS.index(label)] = 0.9
    scores = BRADL15.raise_parents(scores)
    return Recognition("x", 20.0, starts, starts + 4, scores, scores.mean(axis=0), np.full(15, 0.5), 1.0, "made")


def state(path):
    return FileState(str(path), 5, 1)


@pytest.fixture
def store(tmp_path):
    """Three recordings on three days, and one that could not be used."""
    music = tmp_path / "music"
    (music / "live").mkdir(parents=True)
    with Store(tmp_path / "lib.db") as opened:
        run = opened.run("00" * 32, "made", METADATA, 1.0)
        for day, name, label in ((1, "a.flac", "violin"), (2, "live/b é#.mp3", "drums"), (3, "../c.wav", "piano")):
            path = (music / name).resolve()
            opened.put(run, state(path), [recognition(label)], content="ab", at=datetime(2026, 3, day, tzinfo=UTC))
        opened.put_failure(run, state(music / "broken.wav"), "empty file")
        yield opened


@pytest.fixture
def pages(store, tmp_path):
    def write(query="", **options):
        output = tmp_path / "out/feed.json"
        output.parent.mkdir(exist_ok=True)
        n_items = write_feed(Library.load(store).find(query), output, FeedOptions(**options), "Mine")
        found = [json.loads(output.read_text("utf-8"))]
        while "next_url" in found[-1]:
            found.append(json.loads((output.parent / found[-1]["next_url"].rpartition("/")[2]).read_text("utf-8")))
        assert sum(len(page["items"]) for page in found) == n_items
        return found

    return write


def titles(found):
    return [item["title"] for page in found for item in page["items"]]


def test_write_feed_of_a_store_is_a_json_feed_with_the_latest_first(pages, tmp_path):
    (page,) = pages()
    assert page["version"] == "https://jsonfeed.org/version/1.1" and page["title"] == "Mine"
    assert titles([page]) == ["c", "b é#", "a"]
    item = page["items"][-1]
    assert item["id"] == item["attachments"][0]["url"] == (tmp_path / "music/a.flac").as_uri()
    assert item["date_modified"] == "2026-03-01T00:00:00+00:00"
    assert item["tags"] == ["bowed strings", "violin"] and item["content_text"] == "0:20: bowed strings, violin"
    attachment = {key: item["attachments"][0][key] for key in ("mime_type", "size_in_bytes", "duration_in_seconds")}
    assert attachment == {"mime_type": "audio/flac", "size_in_bytes": 5, "duration_in_seconds": 20.0}
    ours = item["_organology"]
    assert ours["instruments"] == ["bowed_string", "violin"] and ours["path"] == str(tmp_path / "music/a.flac")
    assert ours["content"] == "ab" and ours["model"] == "made" and ours["channel"] is None
    assert ours["scores"]["violin"] == 0.9 and ours["seconds"]["violin"] == 20.0 and len(ours["scores"]) == 15
    assert page["_organology"]["latest"] == "2026-03-03T00:00:00+00:00"


def test_write_feed_of_a_root_has_relative_paths_and_addresses_below_it(pages, tmp_path):
    (page,) = pages(root=tmp_path / "music", root_url="https://example.org/m/")
    assert [item["_organology"]["path"] for item in page["items"]] == ["live/b é#.mp3", "a.flac"]
    assert page["items"][0]["id"] == "https://example.org/m/live/b%20%C3%A9%23.mp3"
    with pytest.raises(OptionError, match="--root"):
        FeedOptions(root_url="https://example.org/m/")


def test_write_feed_since_a_moment_has_what_came_then_and_later(pages):
    assert titles(pages(since=parse_moment("2026-03-02"))) == ["c", "b é#"]
    assert titles(pages(since=parse_moment("2026-03-02T00:00:01"))) == ["c"]
    (page,) = pages(since=parse_moment("2027-01-01"))
    assert page["items"] == [] and page["_organology"]["latest"] == "2026-03-03T00:00:00+00:00"


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "0001-01-01T00:00+10:00", ""])
def test_parse_moment_of_no_date_is_a_wrong_option(text):
    with pytest.raises(OptionError, match="--since"):
        parse_moment(text)


def test_write_feed_in_pages_names_the_next_one(pages, store):
    assert [len(page["items"]) for page in pages(page_size=2)] == [2, 1]
    found = pages(page_size=1, feed_url="https://example.org/x/feed.json")
    assert [page["feed_url"].rpartition("/")[2] for page in found] == ["feed.json", "feed-2.json", "feed-3.json"]
    assert found[0]["next_url"] == "https://example.org/x/feed-2.json" and titles(found) == ["c", "b é#", "a"]
    with pytest.raises(OrganologyError, match="one page, these are 2"):
        write_feed(Library.load(store), None, FeedOptions(page_size=2), "Mine")


def test_write_feed_of_a_query_has_what_was_found(pages):
    assert titles(pages("violin or piano")) == ["c", "a"]


def test_write_feed_leaves_out_rows_that_are_damaged_and_names_them(store, tmp_path):
    with store.transaction() as connection:
        connection.execute("UPDATE recording SET recognized_at = x'ff' WHERE path LIKE '%c.wav'")
    library = Library.load(store)
    assert write_feed(library, tmp_path / "feed.json", FeedOptions(), "Mine") == 2
    assert [name.rpartition("/")[2] for name in library.unreadable] == ["c.wav"]


def test_write_feed_with_tags_has_names_and_identifiers(store, pages, tmp_path):
    mutagen = pytest.importorskip("mutagen")
    path = tmp_path / "music/a.flac"
    soundfile.write(path, np.zeros(800), 8000)
    file = mutagen.File(path)
    file.update({"title": "Aria", "artist": ["X", "Y"], "musicbrainz_trackid": "r", "musicbrainz_artistid": ["x", "y"]})
    file.save()
    (tmp_path / "music/live/b é#.mp3").write_bytes(b"no audio")
    (page,) = pages(with_tags=True)
    assert titles([page]) == ["c", "b é#", "X, Y - Aria"]
    ours = page["items"][-1]["_organology"]
    assert ours["artist"] == "X, Y" and ours["musicbrainz"] == {"recording": "r", "artists": ["x", "y"]}
    assert "musicbrainz" not in page["items"][0]["_organology"]


def test_store_feed_as_a_verb_writes_a_file_and_refuses_the_store(store, tmp_path):
    from typer.testing import CliRunner

    from organology.cli import command_line

    def invoke(*arguments):
        return CliRunner().invoke(command_line(), ["store", "feed", str(tmp_path / "lib.db"), *arguments])

    result = invoke("violin", "-o", str(tmp_path / "feed.json"))
    assert result.exit_code == 0 and result.stderr == f"{tmp_path / 'feed.json'}: 1 of 3 recordings\n"
    assert titles([json.loads((tmp_path / "feed.json").read_text())]) == ["a"]
    assert titles([json.loads(invoke("--since", "2026-03-03").stdout)]) == ["c"]
    assert invoke("--since", "soon").exit_code == 2
    refused = invoke("-o", str(tmp_path / "lib.db"))
    assert refused.exit_code != 0 and "not written over" in str(refused.exception or refused.output)
