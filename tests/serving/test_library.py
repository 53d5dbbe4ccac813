"""A store behind the API."""

import pytest

from organology.batch.job import Job, run
from organology.errors import OrganologyError
from organology.serving.app import create_app
from organology.serving.settings import Settings
from serving.conftest import EXAMPLES, is_one_error_line


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "lib.db"
    output = path.with_name("out.csv")
    assert run(Job(paths=[str(EXAMPLES)], store=path, output=output, format="csv", jobs=1)) == 0
    return path


def test_find_gives_names_and_no_paths(open_client, store):
    client = open_client(store=store)
    everything = client.get("/v1/find").json()
    assert everything["total"] == len(everything["recordings"]) == len(list(EXAMPLES.glob("*.ogg")))
    found = client.get("/v1/find", params={"q": "violin and not drums"}).json()
    assert 0 < found["total"] < everything["total"]
    assert all("violin" in one["instruments"] and "drums" not in one["instruments"] for one in found["recordings"])
    assert "/" not in "".join(one["name"] for one in everything["recordings"])
    assert client.get("/v1/model").json()["library"] is True


def test_queries_on_paths_see_names_alone(open_client, store):
    client = open_client(store=store)
    assert client.get("/v1/find", params={"q": 'path ~ "*/*"'}).json()["total"] == 0
    assert client.get("/v1/find", params={"q": 'path ~ "attic*"'}).json()["total"] == 1


def test_find_pages_and_sorts(open_client, store):
    client = open_client(store=store)
    names = [one["name"] for one in client.get("/v1/find").json()["recordings"]]
    page = client.get("/v1/find", params={"limit": 2, "offset": 1}).json()
    assert [one["name"] for one in page["recordings"]] == names[1:3]
    by_voice = client.get("/v1/find", params={"sort": "voice"}).json()["recordings"]
    scores = [one["scores"]["voice"] for one in by_voice]
    assert scores == sorted(scores, reverse=True)


def test_thresholds_change_what_is_found(open_client, store):
    client = open_client(store=store)
    assert client.get("/v1/find", params={"q": "voice", "thresholds": "0"}).json()["total"] == len(
        client.get("/v1/find").json()["recordings"]
    )


@pytest.mark.parametrize("query", [{"q": "violin and"}, {"q": "banana"}, {"sort": "banana"}, {"limit": 0}, {"q": "("}])
def test_wrong_query_is_422(open_client, store, query):
    response = open_client(store=store).get("/v1/find", params=query)
    assert response.status_code == 422
    assert is_one_error_line(response)


def test_stored_recording_is_given_in_any_format(open_client, store):
    client = open_client(store=store)
    one = client.get("/v1/find").json()["recordings"][0]
    whole = client.get(f"/v1/recordings/{one['id']}", params={"timeline": True}).json()
    assert whole["file"] == one["name"]
    assert whole["instruments"] == one["instruments"]
    assert whole["windows"]
    assert client.get(f"/v1/recordings/{one['id']}", params={"format": "csv"}).text.startswith("file,duration")
    assert str(EXAMPLES) not in client.get(f"/v1/recordings/{one['id']}", params={"format": "html"}).text
    assert client.get("/v1/recordings/999999").status_code == 404


def test_new_recordings_are_seen(open_client, store, tmp_path):
    import shutil

    copy = tmp_path / "copy.db"
    shutil.copy(store, copy)
    client = open_client(store=copy)
    before = client.get("/v1/find").json()["total"]
    shutil.copy(EXAMPLES / "vocadito-14.ogg", tmp_path / "new.ogg")
    assert run(Job(paths=[str(tmp_path / "new.ogg")], store=copy, output=tmp_path / "x.csv", format="csv")) == 0
    assert client.get("/v1/find").json()["total"] == before + 1


def test_without_a_store_there_is_no_library(client):
    assert client.get("/v1/find").status_code == client.get("/v1/recordings/1").status_code == 404


def test_store_of_other_labels_is_refused(store):
    with pytest.raises(OrganologyError, match="instruments"):
        create_app(Settings(store=store, labels="irmas11"))
