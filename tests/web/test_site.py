import json
import os
import urllib.error
import urllib.request

import pytest

from mirnet_keras.models import AWSRN, SFT_Net
from mirnet_keras.presets import save_preset
from mirnet_keras.restorer import Restorer
from mirnet_keras.web import WebError, build_site, serving, site
from mirnet_keras.web.runtime import fetch_runtime

FACTS = {"recipe": "none", "steps": 0, "trained_on": "nothing", "data_licence": "CC0", "scores": []}
# What npm does, as far as the page needs it.
NPM = """#!/bin/sh
[ "$1" = ci ] && [ -f package.json ] && [ -f package-lock.json ] || exit 1
cd "$(mkdir -p node_modules/@litertjs && cd node_modules/@litertjs && pwd)"
mkdir -p core/dist core/wasm wasm-utils/dist
echo 'import { createWasmLib } from "@litertjs/wasm-utils";' > core/dist/index.js
echo helper > wasm-utils/dist/index.js
for kind in _ _threaded_ _compat_ _jspi_; do
    echo > core/wasm/litert_wasm${kind}internal.js
    echo > core/wasm/litert_wasm${kind}internal.wasm
done
"""


@pytest.fixture
def npm(tmp_path, monkeypatch):
    """`npm(script)` puts a program of that name first on the path."""

    def install(script):
        program = tmp_path / "bin/npm"
        program.parent.mkdir(exist_ok=True)
        program.write_text(script)
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.defpath}")

    return install


@pytest.fixture
def small_tiles(monkeypatch):
    monkeypatch.setattr(site, "TILES", {2: 64})


@pytest.fixture(scope="module")
def preset(tmp_path_factory):
    folder = tmp_path_factory.mktemp("presets") / "tiny_x2"
    model = AWSRN(scale=2, blocks=1, units=1, filters=4, wide_filters=8)
    save_preset(model, folder, name="tiny_x2", task="super-resolution", **FACTS)
    return folder


def test_site_holds_what_the_page_asks_for(npm, small_tiles, preset, tmp_path):
    npm(NPM)
    folder = build_site(tmp_path / "site", [preset])
    content = json.loads((folder / "site.json").read_text())
    (model,) = content["models"]
    assert model["title"] == "Enlarge 2 times"
    restorer = Restorer(folder / model["file"])
    assert restorer._model.fixed_size == (model["tile"], model["tile"]) == (64, 64)
    assert (restorer.scale, restorer.overlap) == (model["scale"], model["overlap"])
    for example in content["examples"]:
        assert (folder / example["file"]).is_file()
    assert not (folder / "export.json").exists()  # it describes the machine
    page = (folder / "index.html").read_text()
    assert all((folder / name).is_file() for name in ("page.js", "worker.js", "style.css"))
    assert "//" not in page.replace("<!doctype", "")  # no address of anything elsewhere
    runtime = {path.name for path in (folder / content["runtime"]).iterdir()}
    assert len(runtime) == 8
    assert "litert_wasm_jspi_internal.wasm" not in runtime
    assert '"./wasm-utils.js"' in (folder / content["runtime"] / "index.js").read_text()


def test_second_build_needs_no_npm_and_exports_nothing(
    npm, small_tiles, preset, tmp_path, monkeypatch
):
    npm(NPM)
    build_site(tmp_path / "site", [preset])
    npm("#!/bin/sh\nexit 1\n")
    monkeypatch.setattr(site, "to_litert", None)
    build_site(tmp_path / "site", [preset])


def test_without_npm_the_message_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(WebError, match=r"needs npm .*install it"):
        fetch_runtime(tmp_path / "site")
    assert not list(tmp_path.rglob("*.js"))


def test_failing_npm_leaves_nothing_behind(npm, tmp_path):
    npm("#!/bin/sh\necho 'npm error network timeout' >&2\nexit 1\n")
    with pytest.raises(WebError, match="npm error network timeout"):
        fetch_runtime(tmp_path / "site")
    assert not list((tmp_path / "site").iterdir())


def test_segmentation_is_refused(npm, tmp_path):
    npm(NPM)
    folder = tmp_path / "guided"
    model = SFT_Net(blocks=1, filters=4)
    save_preset(model, folder, name="guided", task="super-resolution", **FACTS)
    with pytest.raises(WebError, match="'.*guided' takes a segmentation"):
        build_site(tmp_path / "site", [folder])


def test_server_gives_files_to_this_machine_and_forbids_sending(tmp_path):
    for name in ("a.js", "a.wasm"):
        (tmp_path / name).write_text("content")
    (tmp_path / "folder").mkdir()
    with serving(tmp_path) as address:
        assert address.startswith("http://127.0.0.1:")
        for name, kind in (("a.js", "text/javascript"), ("a.wasm", "application/wasm")):
            with urllib.request.urlopen(address + name) as response:
                assert response.headers["Content-Type"] == kind
                policy = response.headers["Content-Security-Policy"]
                assert "default-src 'none'" in policy
                assert "connect-src 'self'" in policy
        for wrong in ("folder/", "../secret", "missing"):
            with pytest.raises(urllib.error.HTTPError) as error:
                urllib.request.urlopen(address + wrong)
            assert error.value.code == 404
            error.value.close()
