import threading
import time

import numpy as np
import pytest
from fastapi.testclient import TestClient

from mirnet_keras.batch import Settings
from mirnet_keras.image_errors import not_a_picture
from mirnet_keras.images import encode_image
from mirnet_keras.restorer import Restorer
from mirnet_keras.service import Limits, create_app


def photo(height, width):
    pixels = np.random.default_rng(0).integers(90, 256, (height, width, 3), np.uint8)
    return encode_image(pixels, ".png")


PHOTO = photo(40, 90)
PNG = {"content-type": "image/png"}
pytestmark = pytest.mark.usefixtures("tiny_preset")


def client(settings=None, **limits):
    """A service to be entered: what waits for its turn lives as long as the block."""
    return TestClient(create_app(settings, Limits(**limits)))


def post(service, url="/jobs?preset=tiny_x2", content=PHOTO):
    return service.post(url, content=content, headers=PNG)


def started(service, **request):
    """The address of a new job."""
    response = post(service, **request)
    assert response.status_code == 202, response.text
    assert response.json() == {"id": response.json()["id"], "state": "waiting"}
    assert response.headers["location"] == f"/jobs/{response.json()['id']}"
    return response.headers["location"]


def wait_for(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def wait_until(service, job, state):
    wait_for(lambda: service.get(job).json()["state"] == state)
    return service.get(job).json()


def refusal(response):
    assert response.headers["content-type"].startswith("text/plain")
    return response.status_code, response.text


def figures(service):
    lines = (line for line in service.get("/metrics").text.splitlines() if line[0] != "#")
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_the_result_is_what_restore_gives():
    query = "?preset=tiny_x2&format=jpg&ensemble=true"
    with client() as service:
        expected = post(service, f"/restore{query}")
        job = started(service, url=f"/jobs{query}")
        status = wait_until(service, job, "done")
        assert status == {"id": job.removeprefix("/jobs/"), "state": "done", "progress": 1}
        for _ in range(2):  # it is kept
            result = service.get(f"{job}/result")
            assert result.status_code == 200
            assert result.content == expected.content
            for name in ("content-type", "content-length", "mirnet-preset", "mirnet-remarks"):
                assert result.headers[name] == expected.headers[name]
        assert service.delete(job).status_code == 204
        assert service.get(job).status_code == 404
        known = figures(service)
    assert known['mirnet_jobs_total{state="done"}'] == 1
    assert known['mirnet_answers_total{status="202"}'] == 1
    assert known['mirnet_answers_total{status="200"}'] == 3
    assert known["mirnet_waiting"] == 0


def test_progress_is_told_while_tiles_are_restored(monkeypatch):
    told, go, original = [], threading.Event(), Restorer.__call__

    def spied(self, image, *, progress):
        def spy(share):
            progress(share)
            told.append(service.get(job).json())

        assert go.wait(20)
        return original(self, image, progress=spy)

    monkeypatch.setattr(Restorer, "__call__", spied)
    with client(Settings(tile=40)) as service:
        job = started(service, content=photo(80, 30))
        go.set()
        wait_until(service, job, "done")
    shares = [status["progress"] for status in told]
    assert len(shares) > 2
    assert shares == sorted(set(shares))
    assert shares[-1] == 1
    assert {status["state"] for status in told} == {"running"}


def test_too_early_is_409(held):
    release, entered = held
    with client() as service:
        first, second = started(service), started(service)
        wait_for(lambda: entered)
        assert service.get(first).json()["state"] == "running"
        assert service.get(second).json()["state"] == "waiting"
        for job, state in ((first, "running"), (second, "waiting")):
            status, text = refusal(service.get(f"{job}/result"))
            assert (status, f"The job is {state}." in text) == (409, True)
        release.set()
        wait_until(service, second, "done")


def test_a_job_that_is_cancelled_before_its_turn_is_not_begun(held):
    release, entered = held
    with client() as service:
        first, second = started(service), started(service)
        wait_for(lambda: entered)
        assert service.delete(second).status_code == 204
        assert service.get(second).json()["state"] == "cancelled"
        assert figures(service)["mirnet_waiting"] == 1
        status, text = refusal(service.get(f"{second}/result"))
        assert (status, "was cancelled" in text) == (409, True)
        assert service.delete(second).status_code == 204
        assert service.get(second).status_code == 404
        release.set()
        wait_until(service, first, "done")
        assert post(service, "/restore").status_code == 200
    assert len(entered) == 2


def test_a_running_job_that_is_cancelled_ends_at_its_next_report(monkeypatch):
    release, entered, finished = threading.Event(), threading.Event(), []
    original = Restorer.__call__

    def slow(self, image, *, progress):
        progress(0.25)
        entered.set()
        assert release.wait(20)
        progress(0.5)
        finished.append(True)
        return original(self, image)

    monkeypatch.setattr(Restorer, "__call__", slow)
    with client(waiting=1) as service:
        job = started(service)
        assert entered.wait(20)
        assert service.get(job).json()["progress"] == 0.25
        assert service.delete(job).status_code == 204
        assert service.get(job).json()["state"] == "cancelled"
        second = started(service)  # the place is free
        release.set()
        wait_until(service, second, "done")
        assert service.get(job).json()["state"] == "cancelled"
    assert len(finished) == 1


def test_results_expire():
    with client(keep_seconds=0.3) as service:
        job = started(service)
        wait_until(service, job, "done")
        wait_for(lambda: service.get(job).status_code == 404)
        status, text = refusal(service.get(f"{job}/result"))
        assert (status, "ended more than 0.3 seconds ago" in text) == (404, True)


def test_jobs_and_requests_share_the_places(held):
    release, entered = held
    with client(waiting=2) as service:
        jobs = [started(service), started(service)]
        for url in ("/jobs", "/restore"):
            response = post(service, url)
            assert refusal(response) == (503, "2 pictures are waiting already.\n")
            assert int(response.headers["retry-after"]) >= 1
        release.set()
        for job in jobs:
            wait_until(service, job, "done")
        assert post(service, "/restore").status_code == 200  # a kept result takes no place


def test_no_more_results_are_kept_than_allowed():
    with client(jobs=2, keep_seconds=100) as service:
        failed, first = started(service, content=b"none"), started(service)
        wait_until(service, first, "done")
        second = started(service)  # what has failed is forgotten
        wait_until(service, second, "done")
        assert service.get(failed).status_code == 404
        response = post(service)
        assert refusal(response)[0] == 503
        assert 90 < int(response.headers["retry-after"]) <= 100
        assert figures(service)["mirnet_waiting"] == 0
        service.delete(first)
        started(service)


@pytest.mark.parametrize(
    ("content", "status", "sentence"),
    [
        (PHOTO[:200], 422, "cut short"),
        (
            b"#!/bin/sh",
            415,
            str(not_a_picture(b"#!/bin/sh", "picture")),
        ),
        (photo(60, 61), 403, "too many pixels: 122 x 120"),
    ],
)
def test_what_cannot_be_restored_fails_with_a_sentence(content, status, sentence):
    with client(max_output_pixels=4 * 40 * 90 - 1 if status == 403 else 10**6) as service:
        job = started(service, content=content)
        error = wait_until(service, job, "failed")["error"]
        assert sentence in error
        assert refusal(service.get(f"{job}/result")) == (status, f"{error}\n")
        assert figures(service)["mirnet_waiting"] == 0


def test_a_job_has_its_own_time(held):
    release, _ = held
    with client(seconds=0.05, job_seconds=0.3) as service:
        job = started(service)
        time.sleep(0.1)
        assert service.get(job).json()["state"] == "running"
        assert "not done within 0.3 seconds" in wait_until(service, job, "failed")["error"]
        assert service.get(f"{job}/result").status_code == 504
        release.set()


def test_a_fault_of_the_service_is_told_and_logged(monkeypatch, caplog):
    monkeypatch.setattr(Restorer, "__call__", None)
    with client() as service:
        job = started(service)
        assert "The service failed" in wait_until(service, job, "failed")["error"]
        assert service.get(f"{job}/result").status_code == 500
    assert "TypeError" in caplog.text


def test_requests_are_checked_as_those_for_restore(monkeypatch):
    monkeypatch.setattr(Restorer, "__call__", None)
    with client(max_bytes=100) as service:
        assert post(service, "/jobs").status_code == 413
        assert post(service, "/jobs?preset=../tiny_x2").status_code == 422
        assert post(service, "/jobs?alpha=keep").status_code == 422
        html = {"content-type": "text/html"}
        assert service.post("/jobs", content=PHOTO, headers=html).status_code == 415
        assert figures(service)["mirnet_waiting"] == 0


@pytest.mark.parametrize(
    "id", ["x", "__init__", "..%2f..%2fetc%2fpasswd", "%00", "%0d%0aA: b", "a" * 5000, "ü", "*"]
)
def test_ids_that_nobody_was_given_are_unknown(id):
    with client() as service:
        for response in (
            service.get(f"/jobs/{id}"),
            service.get(f"/jobs/{id}/result"),
            service.delete(f"/jobs/{id}"),
        ):
            assert response.status_code == 404
            assert len(response.text) < 200  # and not what was sent


def test_ids_differ_and_are_long():
    with client(waiting=16) as service:
        ids = {started(service) for _ in range(8)}
    assert len(ids) == 8
    assert min(map(len, ids)) > 40


def test_the_end_of_the_service_does_not_wait_for_jobs_that_wait(held):
    release, entered = held
    with client() as service:
        started(service), started(service)
        wait_for(lambda: entered)
        threading.Timer(0.1, release.set).start()
    assert len(entered) == 1


def test_the_description_has_the_same_options_for_both():
    paths = client().get("/openapi.json").json()["paths"]
    assert paths["/jobs"]["post"]["parameters"] == paths["/restore"]["post"]["parameters"]
    assert paths["/jobs"]["post"]["requestBody"] == paths["/restore"]["post"]["requestBody"]
    assert "202" in paths["/jobs"]["post"]["responses"]
    assert set(paths["/jobs/{id}"]) == {"get", "delete"}
    assert set(paths["/jobs/{id}/result"]["get"]["responses"]) >= {"200"}
