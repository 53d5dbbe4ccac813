"""The description of the API, and that nothing it allows breaks the server."""

import warnings

import pytest


def test_description_has_examples_and_errors(client):
    document = client.get("/v1/openapi.json").json()
    assert set(document["paths"]) == {
        "/v1/recognitions", "/v1/recognitions/{job_id}", "/v1/recognitions/{job_id}/events", "/v1/model", "/v1/labels",
        "/v1/find", "/v1/recordings/{recording}", "/healthz", "/metrics",
    }  # fmt: skip
    post = document["paths"]["/v1/recognitions"]["post"]
    assert "example" in post["responses"]["200"]["content"]["application/json"]
    assert {"202", "400", "413", "415", "422", "429", "503"} <= set(post["responses"])
    assert "application/octet-stream" in post["requestBody"]["content"]


def test_no_request_that_schemathesis_makes_is_answered_with_5xx(client):
    schemathesis = pytest.importorskip("schemathesis")
    hypothesis = pytest.importorskip("hypothesis")
    from schemathesis.checks import not_a_server_error

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        schema = schemathesis.openapi.from_asgi("/v1/openapi.json", client.app)
    for result in schema.get_all_operations():
        operation = result.ok()

        @hypothesis.settings(
            max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(hypothesis.HealthCheck)
        )
        @hypothesis.given(case=operation.as_strategy())
        def check(case):
            case.validate_response(case.call(), checks=[not_a_server_error])

        check()
