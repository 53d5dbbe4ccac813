"""The API of recognitions: results, formats, jobs."""

import json
import time

import numpy as np
import pytest

from organology import Recognition, Recognizer
from organology.outputs.registry import FORMATS
from organology.recognition import serialization
from serving.conftest import EXAMPLES, is_one_error_line
from sounds import tone, write

URL = "/v1/recognitions"


@pytest.fixture(scope="module")
def expected():
    return Recognizer(threads=1).recognize(EXAMPLES / "vocadito-14.ogg")


def until_over(client, place):
    for _ in range(600):
        response = client.get(place)
        if response.status_code != 202:
            return response
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def test_raw_body_gives_what_the_recognizer_gives(client, recording, expected):
    response = client.post(URL, params={"name": "a.ogg", "timeline": True}, content=recording)
    assert response.status_code == 200
    found = Recognition.from_json(response.text)
    assert found.source == "a.ogg"
    assert found.instruments == expected.instruments
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-6)


def test_form_gives_the_same_as_the_raw_body(client, recording):
    raw = client.post(URL, params={"name": "a.ogg"}, content=recording)
    form = client.post(URL, files={"file": ("a.ogg", recording)}, data={"note": "ignored"})
    assert form.json() == raw.json()


def test_answer_fits_the_schema(client, recording):
    jsonschema = pytest.importorskip("jsonschema")
    response = client.post(URL, params={"timeline": True}, content=recording)
    jsonschema.validate(response.json(), serialization.schema())


@pytest.mark.parametrize("name", list(FORMATS))
def test_every_format_is_given(client, recording, name):
    response = client.post(URL, params={"format": name, "name": "a.ogg"}, content=recording)
    assert response.status_code == 200, response.text
    assert response.content
    assert f"a.ogg{FORMATS[name].suffix}" in response.headers["content-disposition"]


@pytest.mark.parametrize(
    ("accept", "start"),
    [("text/csv", "file,duration"), ("text/html", "<!DOCTYPE html>"), ("application/json", '{"schema"'), ("*/*", '{"')],
)
def test_accept_chooses_the_format(client, recording, accept, start):
    response = client.post(URL, content=recording, headers={"Accept": accept})
    assert response.text.startswith(start)


def test_thresholds_and_only_are_followed(client, recording, expected):
    response = client.post(URL, params={"thresholds": "1,voice=0", "only": "voice,drums"}, content=recording)
    labels = {one["label"]: one for one in response.json()["labels"]}
    assert list(labels) == ["voice", "drums"]
    assert (labels["voice"]["threshold"], labels["drums"]["threshold"]) == (0, 1)
    assert labels["voice"]["plays"]
    assert not labels["drums"]["plays"]


def test_preset_is_followed(client, recording, expected):
    for text, thresholds in (("strict", "strict"), ("strict,voice=0.1", None)):
        place = client.post(URL, params={"thresholds": text, "wait": 0}, content=recording).headers["location"]
        found = Recognition.from_json(until_over(client, place).text)
        python = expected.refined("strict")
        python = python if thresholds else python.refined({"voice": 0.1})
        np.testing.assert_allclose(found.thresholds, python.thresholds)
        assert found.instruments == python.instruments


def test_label_set_is_followed(client, recording):
    for labels in ("all", "openmic20"):
        python = Recognizer(threads=1, labels=labels).recognize(EXAMPLES / "vocadito-14.ogg")
        response = client.post(URL, params={"labels": labels, "timeline": True}, content=recording)
        found = Recognition.from_json(response.text)
        assert found.label_set == python.label_set
        np.testing.assert_allclose(found.scores, python.scores, atol=1e-6)
        place = client.post(URL, params={"labels": labels, "wait": 0}, content=recording).headers["location"]
        assert until_over(client, place).json()["instruments"] == python.instruments
        known = client.get("/v1/labels", params={"labels": labels}).json()["labels"]
        assert [one["label"] for one in known] == list(python.labels)
    assert "cello" in client.post(URL, params={"labels": "all", "only": "cello"}, content=recording).text


def test_hop_is_followed(client, recording, expected):
    coarse = client.post(URL, params={"hop": 4, "timeline": True}, content=recording).json()
    assert coarse["hop_seconds"] == 4
    assert len(coarse["windows"]) < len(expected.starts)


@pytest.mark.parametrize(
    "query",
    [{"thresholds": "banana=0.5"}, {"thresholds": "2"}, {"thresholds": "x"}, {"only": "banana"}, {"format": "exe"},
     {"labels": "banana"}, {"labels": "../set.tsv"}, {"thresholds": "strict,0.5"}, {"thresholds": "strict,sensitive"},
     {"only": "cello"}, {"hop": 0}, {"hop": "nan"}, {"hop": "inf"}, {"hop": -1}, {"hop": 1e9}, {"wait": -1},
     {"timeline": "perhaps"}, {"name": "x" * 2000}],
)  # fmt: skip
def test_wrong_parameters_are_422(client, recording, query):
    response = client.post(URL, params=query, content=recording)
    assert response.status_code == 422
    assert is_one_error_line(response)


def test_job_is_answered_with_202_and_fetched(client, recording, expected):
    response = client.post(URL, params={"wait": 0, "name": "a.ogg", "format": "csv"}, content=recording)
    assert response.status_code == 202
    assert response.headers["retry-after"] == "1"
    place = response.headers["location"]
    assert place == f"{URL}/{response.json()['id']}"
    assert until_over(client, place).text.startswith("file,duration")  # as the first request asked
    assert client.get(place, params={"format": "segments"}).text.startswith("file,label")
    fetched = client.get(place, headers={"Accept": "text/html"})
    assert fetched.text.startswith("<!DOCTYPE html>")


def test_events_end_with_done(client, recording):
    place = client.post(URL, params={"wait": 0}, content=recording).headers["location"]
    events = [part.split("\n") for part in client.get(f"{place}/events").text.strip().split("\n\n")]
    kinds = [kind.removeprefix("event: ") for kind, _ in events]
    assert kinds[-1] == "done"
    assert set(kinds[:-1]) <= {"progress"}
    shares = [json.loads(data.removeprefix("data: "))["progress"] for _, data in events]
    assert shares == sorted(shares)
    assert shares[-1] == 1


def test_failed_job_is_answered_with_its_error(client):
    place = client.post(URL, params={"wait": 0}, content=b"not sound" * 100).headers["location"]
    assert client.get(f"{place}/events").text.rstrip().split("\n\n")[-1].startswith("event: failed")
    response = until_over(client, place)
    assert response.status_code == 415
    assert is_one_error_line(response)


def test_deleted_job_is_gone(client, recording):
    place = client.post(URL, params={"wait": 0}, content=recording).headers["location"]
    assert client.delete(place).status_code == 204
    assert client.get(place).status_code == client.delete(place).status_code == 404
    assert client.get(f"{place}/events").status_code == 404


def test_unknown_job_is_404(client):
    assert client.get(f"{URL}/nothing").status_code == 404


def test_nothing_is_kept_after_an_answer(client, recording):
    client.post(URL, content=recording)
    client.post(URL, content=b"not sound")
    assert not list(client.service.workspace.uploads.iterdir())
    assert not any(path.is_dir() and path.name != "uploads" for path in client.service.workspace.folder.iterdir())


def test_results_expire(open_client, recording):
    client = open_client({"keep_seconds": 0.5})
    place = client.post(URL, params={"wait": 0}, content=recording).headers["location"]
    assert until_over(client, place).status_code in (200, 404)
    time.sleep(2.5)
    assert client.get(place).status_code == 404


def test_no_path_of_the_server_is_read_or_given(client, recording, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.ogg").write_bytes(recording)  # a file of the same name beside the server
    folder = str(client.service.workspace.folder)
    for params in ({}, {"format": "html"}, {"format": "json"}, {"format": "jams"}):
        response = client.post(URL, params={"name": "a.ogg", **params}, content=recording)
        assert folder not in response.text
        assert "<audio id" not in response.text
    assert folder not in client.post(URL, content=b"x").text


def test_model_and_labels(client):
    model, labels = client.get("/v1/model").json(), client.get("/v1/labels").json()
    recognizer = Recognizer(threads=1)
    assert model["name"] == recognizer.model
    assert set(model["formats"]) == set(FORMATS)
    assert model["library"] is False
    assert [one["label"] for one in labels["labels"]] == list(recognizer.metadata.labels)
    assert labels["label_set"] == model["label_set"]
    assert not any(one["tentative"] for one in labels["labels"])
    every = client.get("/v1/labels", params={"labels": "all"}).json()["labels"]
    assert [one["label"] for one in every if one["tentative"]] == model["tentative"]
    assert "all" in model["label_sets"]
    assert model["presets"] == sorted(recognizer.metadata.presets)
    assert model["hop_seconds"] == recognizer.metadata.hop_seconds


def test_two_formats_of_containers(client, tmp_path):
    path = write(tmp_path / "x.flac", tone(5.0))
    assert client.post(URL, files={"file": ("x.flac", path.read_bytes())}).json()["duration"] == pytest.approx(5)
    path = write(tmp_path / "x.wav", tone(5.0))
    assert client.post(URL, content=path.read_bytes()).json()["duration"] == pytest.approx(5)
