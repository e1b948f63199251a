"""LiteRT.js, which runs LiteRT files in browsers: fetched with npm, never part of this package."""

import importlib.resources
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

from mirnet_keras.presets import new_folder
from mirnet_keras.web.errors import WebError

PACKAGE_FILES = ("package.json", "package-lock.json")
PACKAGE, HELPER = "@litertjs/core", "@litertjs/wasm-utils"
HELPER_FILE = "wasm-utils.js"
# With threads, with one thread, and for browsers without WebAssembly's relaxed SIMD. A browser
# loads one of them.
WASM = ("litert_wasm_threaded_internal", "litert_wasm_internal", "litert_wasm_compat_internal")


def fetch_runtime(site: Path) -> str:
    """Puts LiteRT.js into a site, unless it is there.

    npm fetches the version that `package-lock.json` names, and checks it against the checksum
    there. After that the site needs no network.

    Args:
        site: folder of the site.

    Returns:
        The name of the runtime's folder in the site.

    Raises:
        WebError: when npm is missing or fails.
    """
    resources = importlib.resources.files("mirnet_keras.web")
    files = {name: (resources / name).read_bytes() for name in PACKAGE_FILES}
    locked = json.loads(files["package-lock.json"])["packages"]
    name = f"litert-{locked[f'node_modules/{PACKAGE}']['version']}"
    if not (site / name).is_dir():
        with tempfile.TemporaryDirectory() as temporary, new_folder(site / name) as folder:
            _copy(_install(files, Path(temporary)), folder)
    return name


def _install(files: dict[str, bytes], folder: Path) -> Path:
    """Lets npm fetch what the files say into a folder; returns where the packages then are."""
    npm = shutil.which("npm")
    if npm is None:
        raise WebError(
            "The page needs npm (part of Node.js) once, to fetch LiteRT.js: install it and try "
            "again."
        )
    for name, content in files.items():
        (folder / name).write_bytes(content)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        reason = (result.stderr.strip().splitlines() or ["it says nothing"])[0]
        raise WebError(f"npm could not fetch {PACKAGE} ({reason}). Check the network; try again.")
    return folder / "node_modules"


def _copy(modules: Path, folder: Path) -> None:
    """Copies what a browser loads, and lets the one module find the other by its file."""
    source = (modules / PACKAGE / "dist/index.js").read_text()
    if f'"{HELPER}"' not in source:
        raise WebError(f"{PACKAGE} is not as expected: it does not import {HELPER}.")
    (folder / "index.js").write_text(source.replace(f'"{HELPER}"', f'"./{HELPER_FILE}"'))
    shutil.copy(modules / HELPER / "dist/index.js", folder / HELPER_FILE)
    for name in WASM:
        for suffix in (".js", ".wasm"):
            shutil.copy(modules / PACKAGE / "wasm" / (name + suffix), folder)
