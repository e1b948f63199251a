import io
import struct
import threading
import zlib

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from typer.testing import CliRunner

from mirnet_keras import cli
from mirnet_keras.batch import Restorers, Settings
from mirnet_keras.presets import PresetError
from mirnet_keras.restorer import Restorer, RestorerError
from mirnet_keras.service import Limits, create_app

PNG = {"content-type": "image/png"}
pytestmark = pytest.mark.usefixtures("tiny_preset")


def client(**limits):
    return TestClient(create_app(limits=Limits(**{"max_bytes": 100_000, **limits})))


def photo(kind="PNG", shape=(16, 12, 4), **options):
    return encoded(np.random.default_rng(0).integers(90, 256, shape, np.uint8), kind, **options)


def encoded(pixels, kind="PNG", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def bomb():
    header = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    png = photo()
    return png[:12] + header + struct.pack(">I", zlib.crc32(header)) + png[33:]


@pytest.mark.parametrize(
    ("query", "options", "restorer", "file"),
    [
        ({}, [], {}, {}),
        (
            {"alpha": "flatten", "format": "jpg"},
            ["--alpha", "flatten", "--format", "jpg"],
            {},
            {"alpha": "flatten"},
        ),
        (
            {"ensemble": "true", "keep_metadata": "false"},
            ["--ensemble", "--no-metadata"],
            {"ensemble": True},
            {"keep_metadata": False},
        ),
        ({"strength": "0.3"}, ["--strength", "0.3"], {"strength": 0.3}, {}),
    ],
)
def test_service_command_and_python_give_the_same_bytes(query, options, restorer, file, tmp_path):
    data = photo(dpi=(300, 300), icc_profile=b"profile")
    (tmp_path / "a.png").write_bytes(data)
    command = ["restore", str(tmp_path / "a.png"), "--preset", "tiny_x2", *options]
    assert CliRunner().invoke(cli.app, command).exit_code == 0
    (result,) = tmp_path.glob("a_restored*")
    response = client().post(
        "/restore", params={"preset": "tiny_x2", **query}, content=data, headers=PNG
    )
    assert response.status_code == 200
    assert response.content == result.read_bytes()
    python = tmp_path / f"python{result.suffix}"
    Restorer("tiny_x2", **restorer).restore_file(tmp_path / "a.png", python, **file)
    assert response.content == python.read_bytes()
    assert response.headers["mirnet-preset"] == "tiny_x2"
    kind = "jpeg" if result.suffix == ".jpg" else "png"
    assert response.headers["content-type"] == f"image/{kind}"


def test_what_cannot_be_restored_is_refused(monkeypatch):
    service = client(max_pixels=1000)
    monkeypatch.setattr(Restorer, "__call__", None)  # nothing comes as far as that

    def refusal(content, headers=PNG, **params):
        response = service.post("/restore", content=content, headers=headers, params=params)
        return response.status_code, response.text

    assert refusal(photo(), {"content-type": "text/html"})[0] == 415
    assert refusal(photo(), {})[0] == 415
    assert refusal(b"#!/bin/sh")[0] == 415
    assert refusal(b"")[0] == 415
    status, text = refusal(bomb())
    assert (status, "too many pixels: 30000 x 30000" in text) == (422, True)
    assert refusal(photo(shape=(40, 40, 3)))[0] == 422
    assert refusal(photo()[:400])[0] == 422
    assert refusal(photo() + bytes(100_000)) == (413, "The file is larger than 100,000 bytes.\n")
    for name in ("nothing", "../tiny_x2", "/etc/passwd", "model.keras"):
        status, text = refusal(photo(), preset=name)
        assert (status, f"no preset '{name}'" in text) == (422, True)
    assert refusal(photo(), alpha="keep")[0] == 422
    assert refusal(photo(), format="exe")[0] == 422
    for strength in ("1.01", "-1", "nan"):
        assert refusal(photo(), strength=strength)[0] == 422
    assert service.get("/restore").status_code == 405


def test_a_result_with_too_many_pixels_is_not_begun(monkeypatch):
    service = client(max_output_pixels=4 * 16 * 12)
    url = "/restore?preset=tiny_x2"
    assert service.post(url, content=photo(), headers=PNG).status_code == 200
    monkeypatch.setattr(Restorer, "__call__", None)
    response = service.post(url, content=photo(shape=(16, 13, 3)), headers=PNG)
    assert response.status_code == 403
    assert "too many pixels: 26 x 32, and 768 are allowed" in response.text


def test_a_full_house_answers_503_and_serves_the_others(monkeypatch):
    release, entered = threading.Event(), threading.Event()
    original = Restorer.__call__

    def slow(self, image, **options):
        entered.set()
        assert release.wait(10)
        return original(self, image, **options)

    monkeypatch.setattr(Restorer, "__call__", slow)
    service, answers = client(waiting=1), []

    def post():
        return service.post("/restore?preset=tiny_x2", content=photo(), headers=PNG)

    with service:
        first = threading.Thread(target=lambda: answers.append(post().status_code))
        first.start()
        assert entered.wait(10)
        refused = post()
        assert refused.status_code == 503
        assert int(refused.headers["retry-after"]) >= 1
        assert service.get("/healthz").json() == {"status": "ok"}  # while it computes
        assert "mirnet_waiting 1.0" in service.get("/metrics").text
        release.set()
        first.join()
        assert answers == [200]
        assert post().status_code == 200
        metrics = service.get("/metrics").text
    assert 'mirnet_answers_total{status="200"} 2.0' in metrics
    assert 'mirnet_answers_total{status="503"} 1.0' in metrics
    assert "mirnet_waiting 0.0" in metrics


def test_what_is_transparent_is_not_dark(monkeypatch):
    asked = []

    def named(self, name):
        asked.append(name)
        raise RestorerError("No further.")

    monkeypatch.setattr(Restorers, "named", named)
    monkeypatch.setattr(Restorers, "_load", lambda self, name: None)
    dim = np.full((16, 12, 4), 20, np.uint8)
    dim[..., 3] = 0
    assert client().post("/restore", content=encoded(dim), headers=PNG).status_code == 422
    dim[..., 3] = 255
    client().post("/restore", content=encoded(dim), headers=PNG)
    client().post("/restore?task=denoise", content=encoded(dim), headers=PNG)
    assert asked == ["awsrn_s_x2", "mirnet_lowlight_small", "mirnet_denoise_small"]


def test_an_answer_says_what_was_seen_and_a_task_decides(workplace):
    service = client()
    dim = encoded(np.full((16, 12, 3), 20, np.uint8))
    answer = service.post("/restore", content=dim, headers=PNG)
    assert answer.headers["mirnet-preset"] == "mirnet_lowlight_small"
    assert answer.headers["mirnet-seen"] == "dark photo"
    enlarged = service.post("/restore?task=enlarge", content=dim, headers=PNG)
    assert enlarged.headers["mirnet-preset"] == "awsrn_s_x2"
    (workplace / "a.png").write_bytes(dim)
    command = ["restore", "a.png", "--task", "enlarge"]
    assert CliRunner().invoke(cli.app, command).exit_code == 0
    assert enlarged.content == (workplace / "a_restored.png").read_bytes()
    named = service.post("/restore?preset=awsrn_s_x2", content=dim, headers=PNG)
    assert "mirnet-seen" not in named.headers
    both = service.post("/restore?preset=awsrn_s_x2&task=enlarge", content=dim, headers=PNG)
    assert both.status_code == 422 and "a task chooses a preset" in both.text
    assert service.post("/restore?task=sharpen", content=dim, headers=PNG).status_code == 422


def test_a_preset_of_the_service_is_loaded_once_and_at_the_start(monkeypatch, tiny_preset):
    made = []
    original = Restorer.__init__

    def init(self, *arguments, **options):
        made.append(arguments)
        original(self, *arguments, **options)

    monkeypatch.setattr(Restorer, "__init__", init)
    service = TestClient(create_app(Settings(preset="tiny_x2")))
    assert len(made) == 1
    assert service.post("/restore", content=photo(), headers=PNG).status_code == 200
    assert len(made) == 1
    (tiny_preset / "damaged.keras").write_bytes(b"no model")
    with pytest.raises(PresetError, match="is damaged"):
        create_app(Settings(preset=str(tiny_preset / "damaged.keras")))


def test_presets_are_listed():
    listed = {entry["name"]: entry for entry in client().get("/presets").json()}
    assert listed["tiny_x2"]["scale"] == 2
