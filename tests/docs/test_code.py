import ast
import pkgutil
import shutil

import numpy as np
import pytest

import mirnet_keras as mk


def names(code: str):
    """Every `mk.a.b` in some code, without what follows a call."""
    for node in ast.walk(ast.parse(code)):
        parts = []
        while isinstance(node, ast.Attribute):
            parts.append(node.attr)
            node = node.value
        if parts and isinstance(node, ast.Name) and node.id == "mk":
            yield ".".join(reversed(parts))


def test_names_in_code_exist(page_with_code):
    for code in page_with_code.python:
        compile(code, page_with_code.path.name, "exec")
        for name in names(code):
            assert pkgutil.resolve_name(f"mirnet_keras:{name}")


@pytest.fixture
def folder(tmp_path, monkeypatch, root):
    """A working folder with what the pages speak of, all of it small."""
    rng = np.random.default_rng(0)
    for name in ("photo.jpg", "dark.jpg", "photos/a.png", "hr/a.png", "hr/b.png"):
        light = 0.1 if name == "dark.jpg" else 1.0
        image = np.kron(rng.random((6, 7, 3)), np.ones((9, 9, 1))) * light
        mk.images.write_image(tmp_path / name, image)
    shutil.copytree(root / "saved_models" / "awsrn_s_x4", tmp_path / "awsrn_s_x4")
    monkeypatch.chdir(tmp_path)


def test_code_runs(page_to_run, folder, capsys):
    space = {"mk": mk, "photo": mk.images.read_image("photo.jpg")}
    for code in page_to_run.runnable:
        exec(compile(code, page_to_run.path.name, "exec"), space)
