"""Several devices and several processes on this machine learn what one alone does."""

import os
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import yaml

from mirnet_keras.images import write_image
from mirnet_keras.training.devices import join_hosts, same_on_all_hosts, this_host

MIRRORED = """
import sys
import tensorflow as tf
two = [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(tf.config.list_physical_devices("CPU")[0], two)
from mirnet_keras.training import train
recipe, data, one, both = sys.argv[1:]
train(recipe, one, data, verbose=0)
train(recipe, both, data, verbose=0, all_devices=True)
"""


@pytest.fixture(scope="module")
def folder(tiny, tmp_path_factory):
    """A folder with pictures and `tiny.yaml`."""
    folder = tmp_path_factory.mktemp("devices")
    for seed, name in enumerate(["train/a", "train/b", "train/c", "val/d"]):
        small = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), np.uint8)
        write_image(folder / f"{name}.png", small.repeat(4, axis=0).repeat(4, axis=1))
    recipe = tiny(
        stages=[{"steps": 10, "crop": 16, "batch": 4}, {"steps": 10, "crop": 24, "batch": 4}],
        warm_up=2,
        ema=0.9,
        report_every=2,
        validate_every=10,
    )
    (folder / "tiny.yaml").write_text(yaml.safe_dump(recipe))
    return folder


def log(run):
    return np.genfromtxt(run / "log.csv", delimiter=",", names=True)


def same_curve(run, other, tolerance):
    ours, theirs = log(run), log(other)
    np.testing.assert_array_equal(ours["epoch"], theirs["epoch"])
    np.testing.assert_allclose(ours["loss"], theirs["loss"], rtol=0, atol=tolerance)
    np.testing.assert_allclose(ours["val_psnr"], theirs["val_psnr"], rtol=0, atol=1e-2)


@pytest.mark.slow
def test_two_mirrored_devices_learn_what_one_does(folder):
    runs = [folder / "one", folder / "mirrored"]
    arguments = [str(path) for path in (folder / "tiny.yaml", folder, *runs)]
    environment = os.environ | {"KERAS_BACKEND": "tensorflow"}
    subprocess.run([sys.executable, "-c", MIRRORED, *arguments], check=True, env=environment)
    same_curve(*runs, 1e-5)
    ours, theirs = (keras.saving.load_model(run / "last.keras").get_weights() for run in runs)
    for one, both in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(both, one, rtol=0, atol=1e-5)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def start(folder, out, hosts):
    """Starts `mirnet-keras train` as so many processes on JAX."""
    command = [sys.executable, "-m", "mirnet_keras.cli", "train", str(folder / "tiny.yaml")]
    command += ["--data", str(folder), "--out", str(out)]
    where = ["--hosts", str(hosts), "--coordinator", f"127.0.0.1:{free_port()}"]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    return [
        subprocess.Popen(
            [*command, *([*where, "--rank", str(rank)] if hosts > 1 else [])],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for rank in range(hosts)
    ]


def finish(processes):
    try:
        assert [process.wait(timeout=600) for process in processes] == [0] * len(processes)
    finally:
        for process in processes:
            process.kill()


@pytest.fixture(scope="module")
def alone(folder):
    finish(start(folder, folder / "alone", 1))
    return folder / "alone"


@pytest.mark.slow
@pytest.mark.parametrize("hosts", [2, 4])
def test_several_processes_have_the_losses_of_one(folder, alone, hosts):
    run = folder / f"of_{hosts}"
    finish(start(folder, run, hosts))
    same_curve(run, alone, 1e-4)
    assert not list(run.glob(".*"))  # one alone writes


def reports(run):
    kept = run / "log.csv"
    return kept.read_text().count("\n") - 1 if kept.exists() else 0


@pytest.mark.slow
def test_after_a_lost_process_the_same_commands_go_on(folder, alone):
    run = folder / "lost"
    processes = start(folder, run, 2)
    try:
        while reports(run) < 2:
            assert all(process.poll() is None for process in processes)
            time.sleep(0.05)
        processes[1].kill()
        assert processes[0].wait(timeout=300) != 0
    finally:
        for process in processes:
            process.kill()
    assert len(log(run)) < 10
    finish(start(folder, run, 2))
    same_curve(run, alone, 1e-4)


def test_one_process_alone():
    assert this_host() == (0, 1)
    assert same_on_all_hosts(3)
    if keras.backend.backend() == "jax":
        join_hosts(1)
        assert this_host() == (0, 1)
