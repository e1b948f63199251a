import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from mirnet_keras.batch import Settings
from mirnet_keras.service import create_app


@pytest.fixture(scope="module")
def service():
    return TestClient(create_app())


def test_the_page_comes_with_the_server_as_its_engine(service):
    page = service.get("/")
    assert page.headers["content-type"].startswith("text/html")
    assert "connect-src 'self'" in page.headers["content-security-policy"]
    assert "<h1>Restore a photo</h1>" in page.text
    site = service.get("/site.json").json()
    assert site["engine"] == "server_engine.js"
    examples = [example["file"] for example in site["examples"]]
    for name in ("page.js", "style.css", "pictures.js", "comparison.js", site["engine"], *examples):
        response = service.get(f"/{name}")
        assert response.status_code == 200
        assert response.content
    assert service.get("/page.js").headers["content-type"].startswith("text/javascript")
    suggested = {site["for_dark"], site["for_others"]}
    assert suggested <= {preset["name"] for preset in service.get("/presets").json()}


def test_a_preset_of_the_service_is_what_the_page_suggests():
    site = TestClient(create_app(Settings(preset="rcan_small_x2"))).get("/site.json").json()
    assert site["for_dark"] == site["for_others"] == "rcan_small_x2"


@pytest.mark.parametrize(
    "name",
    [
        "worker.js",
        "device_engine.js",
        "index.html",
        "page",
        "LICENCES.md",
        "..%2fserver.py",
        "%2e%2e/server.py",
        "..%5cserver.py",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        "docs",
    ],
)
def test_nothing_else_is_given(name, service):
    assert service.get(f"/{name}").status_code == 404


def test_requests_do_not_reach_the_disk(service, monkeypatch):
    monkeypatch.setattr(Path, "open", None)
    monkeypatch.setattr("builtins.open", None)
    assert json.loads(service.get("/site.json").content)
    assert service.get("/").status_code == 200
    assert service.get("/presets").status_code == 200
