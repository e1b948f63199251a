import errno
import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from mirnet_keras.batch import (
    BatchError,
    Job,
    Record,
    Restorers,
    Settings,
    Stop,
    StoppedError,
    find_jobs,
    restore_all,
    running,
)
from mirnet_keras.machine import DeviceError
from mirnet_keras.pictures import Picture, read_picture, write_picture
from mirnet_keras.restorer import Suggestion

REASONS = {
    "bad animated.gif": "is animated",
    "bad bomb.png": "too many pixels",
    "bad cut.jpg": "cut short",
    "bad empty.png": "is empty",
    "bad link.png": "no picture at",
    "bad pages.tif": "several pages",
    "bad text.png": "is not a picture",
    "bad text.jpg": "is not a picture|cut short",
}


def contents(folder):
    return {
        path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def run(folder, out, settings, **options):
    found = find_jobs([str(folder)], out, recursive=True)
    record = Record(out, settings.fingerprint())
    return list(restore_all(found.jobs, settings, record, **options))


def test_damaged_pictures_do_not_stop_the_others(mixed, tmp_path, settings):
    before, out = contents(mixed), tmp_path / "out"
    outcomes = run(mixed, out, settings)
    assert [outcome.status for outcome in outcomes].count("restored") == 12
    failed = {outcome.input.name: outcome.reason for outcome in outcomes if outcome.error}
    assert failed.keys() == REASONS.keys()
    for name, pattern in REASONS.items():
        assert any(part in failed[name] for part in pattern.split("|")), failed[name]
        assert name in failed[name]
    assert contents(mixed) == before
    made = {path for path in out.rglob("*") if path.is_file()}
    restored = {outcome.output for outcome in outcomes if not outcome.error}
    assert made == restored | {out / ".mirnet_keras.jsonl"}
    assert read_picture(out / "g deep_restored.png").pixels.dtype == np.uint16
    assert read_picture(out / "f grey 😀_restored.png").is_grey
    assert read_picture(out / "i alpha_restored.png").alpha.shape == (32, 24)
    cmyk = next(outcome for outcome in outcomes if "cmyk" in outcome.input.name)
    assert cmyk.remarks == ("CMYK was converted to sRGB.",)


def test_a_second_run_makes_what_is_missing_and_changes_nothing_else(mixed, tmp_path, settings):
    out = tmp_path / "out"
    run(mixed, out, settings)
    first = contents(out)
    (out / "a_restored.jpg").unlink()
    (out / "b_restored.png").write_bytes(b"half a file")
    (out / f".{'0a' * 16}.b_restored.png").write_bytes(b"left by a run that was killed")
    write_picture(mixed / "c.webp", Picture(np.full((16, 12, 3), 99, np.uint8)))
    outcomes = run(mixed, out, settings)
    again = sorted(outcome.input.name for outcome in outcomes if outcome.status == "restored")
    assert again == ["a.jpg", "b.png", "c.webp"]
    second = contents(out)
    assert second.keys() == first.keys()
    assert second[Path("a_restored.jpg")] == first[Path("a_restored.jpg")]
    assert second[Path("b_restored.png")] == first[Path("b_restored.png")]
    assert second[Path("c_restored.webp")] != first[Path("c_restored.webp")]


def test_results_made_otherwise_are_refused(mixed, tmp_path, settings):
    out, job = tmp_path / "out", Job(mixed / "a.jpg", tmp_path / "out/a_restored.jpg")
    list(restore_all([job], settings, Record(out, "one")))
    Record(out, "one").refuse_others((job,))
    with pytest.raises(BatchError, match="a_restored.jpg: exists already"):
        Record(out, "two").refuse_others((job,))
    with (out / ".mirnet_keras.jsonl").open("a") as file:
        file.write('\n{"result": "a_rest')  # the run was killed here
    assert Record(out, "one").is_made(job)
    job.output.write_bytes(job.output.read_bytes() + b"changed")
    assert not Record(out, "one").is_made(job)


def test_the_fingerprint_tells_settings_and_models_apart(settings, tmp_path):
    import dataclasses
    import shutil

    same = tmp_path / "same.keras"
    shutil.copy(settings.preset, same)
    prints = [settings.fingerprint()]
    prints += [dataclasses.replace(settings, **change).fingerprint() for change in (
        {"ensemble": True}, {"alpha": "drop"}, {"tile": 64}, {"preset": "awsrn_s_x2"},
        {"preset": None}, {"keep_metadata": False})]  # fmt: skip
    assert len(set(prints)) == 7
    for change in ({"max_pixels": 5}, {"device": "cpu"}, {"threads": 1}):
        assert dataclasses.replace(settings, **change).fingerprint() == prints[0]


def test_a_litert_file_takes_the_processor_alone(settings, monkeypatch):
    monkeypatch.setattr("mirnet_keras.batch.settings.device_name", lambda text: f"{text}:0")
    with pytest.raises(DeviceError, match="computes on the processor, not on 'gpu:0'"):
        Restorers(Settings(preset="model.tflite", device="gpu"))


def test_fail_fast_stops(mixed, tmp_path, settings):
    outcomes = run(mixed, tmp_path / "out", settings, fail_fast=True)
    assert [outcome.status for outcome in outcomes] == ["restored"] * 2 + ["failed"] * 3


def test_a_full_disk_is_named_and_leaves_nothing(mixed, tmp_path, settings, monkeypatch):
    def write(path, data):
        with open(path, "wb") as file:
            file.write(data[:20])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", write)
    jobs = [Job(mixed / name, tmp_path / "out" / name) for name in ("a.jpg", "b.png")]
    outcomes = list(restore_all(jobs, settings))
    assert ["No space left on device" in outcome.reason for outcome in outcomes] == [True, True]
    assert not list((tmp_path / "out").iterdir())


def test_a_folder_that_cannot_be_written_is_named_at_once(mixed, tmp_path, settings):
    (tmp_path / "file").touch()
    with pytest.raises(BatchError, match="Nothing can be written in '.*file/out': Not a directory"):
        run(mixed, tmp_path / "file/out", settings)


def test_three_pictures_are_worked_on_at_once_and_no_more(tmp_path, settings, monkeypatch):
    """The first is computed while the second is written and the third is read."""
    pictures = [Picture(np.full((4, 4, 3), number, np.uint8)) for number in range(4)]
    begun, writing = [threading.Event() for _ in pictures], threading.Event()
    begun_by_then = []

    def read(path, max_pixels, damaged):
        begun[int(path.stem)].set()
        return pictures[int(path.stem)]

    def write(path, data):
        if path.stem == "1":
            writing.set()

    class Slow:
        def __init__(self, settings):
            pass

        def restore(self, picture, progress, suffix):
            if picture is pictures[0]:
                assert writing.wait(10)
                assert begun[2].wait(10)
                begun_by_then.extend(event.is_set() for event in begun)
            return Suggestion("slow"), picture

    monkeypatch.setattr(running, "read_picture", read)
    monkeypatch.setattr(running, "write_bytes", write)
    monkeypatch.setattr(running, "Restorers", Slow)
    jobs = [Job(tmp_path / f"{number}.png", tmp_path / f"{number}.png") for number in range(4)]
    outcomes = list(restore_all(jobs, settings))
    assert [outcome.status for outcome in outcomes] == ["restored"] * 4
    assert [outcome.input for outcome in outcomes] == [job.input for job in jobs]
    assert begun_by_then == [True, True, True, False]


def test_ctrl_c_ends_what_is_computed_at_its_next_report(tmp_path, monkeypatch):
    picture, begun, done = Picture(np.zeros((4, 4, 3), np.uint8)), threading.Event(), []

    class Endless:
        def __init__(self, settings):
            pass

        def restore(self, picture, progress, suffix):
            begun.set()
            end = time.monotonic() + 20
            while time.monotonic() < end:
                progress(0.5)
                time.sleep(0.01)
            done.append(True)

    def read(path, max_pixels, damaged):
        return picture

    def interrupt():
        assert begun.wait(10)
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

    monkeypatch.setattr(running, "read_picture", read)
    monkeypatch.setattr(running, "Restorers", Endless)
    jobs = [Job(tmp_path / f"{number}.png", tmp_path / f"o{number}.png") for number in range(9)]
    former = signal.signal(signal.SIGINT, signal.default_int_handler)  # pytest's workers ignore it
    threading.Timer(0.1, interrupt).start()
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(restore_all(jobs, Settings()))
    finally:
        signal.signal(signal.SIGINT, former)
    assert time.monotonic() - start < 15
    assert (done, list(tmp_path.iterdir())) == ([], [])


def test_what_waits_for_memory_is_not_begun_when_it_is_stopped(settings):
    stop, begun = Stop(), []
    stop.ask()
    restorers = Restorers(settings)
    restorers.named(settings.preset)._attempt = lambda *arguments: begun.append(arguments)
    with pytest.raises(StoppedError):
        restorers.restore(Picture(np.zeros((4, 4, 3), np.uint8)), stop.report)
    assert not begun


def test_errors_of_the_program_are_named_by_their_kind(mixed, settings, monkeypatch):
    monkeypatch.setattr(running, "read_picture", lambda path, max_pixels, damaged: {}["missing"])
    (outcome,) = restore_all([Job(mixed / "a.jpg", mixed / "b.jpg")], settings)
    assert outcome.reason == "KeyError: 'missing'"


@pytest.mark.slow
def test_two_hundred_files_survive_kill_9(tmp_path, settings, damaged):
    folder, out, expected = tmp_path / "in", tmp_path / "out", tmp_path / "expected"
    for number in range(180):
        pixels = np.random.default_rng(number).integers(0, 256, (20, 16, 3), np.uint8)
        suffix = (".png", ".jpg", ".webp", ".tif", ".bmp")[number % 5]
        write_picture(folder / f"{number % 7}/{number}{suffix}", Picture(pixels))
    for number in range(20):
        (folder / f"{number % 7}/bad {number}.png").write_bytes(damaged[number % len(damaged)])
    originals = contents(folder)

    def start(out):
        command = [sys.executable, "-m", "mirnet_keras.cli", "restore", folder, "--out", out]
        command += ["--recursive", "--preset", settings.preset, "--json"]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    whole = start(expected).communicate()[0]
    assert json.loads(whole)["counts"] == {"restored": 180, "skipped": 0, "failed": 20}
    killed = start(out)
    while len(list(out.rglob("*_restored*"))) < 60:
        assert killed.poll() is None
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert len(list(out.rglob("*_restored*"))) < 180
    for path in out.rglob("[0-9]*_restored*"):
        assert read_picture(path).pixels.shape == (40, 32, 3)  # none is half written
    resumed = start(out)
    report = json.loads(resumed.communicate()[0])
    assert resumed.returncode == 1
    assert report["counts"]["skipped"] >= 59
    assert report["counts"]["failed"] == 20
    assert all(Path(entry["input"]).name in entry["error"] for entry in report["images"]
               if entry["status"] == "failed")  # fmt: skip
    results, wanted = contents(out), contents(expected)
    for made in (results, wanted):
        made.pop(Path(".mirnet_keras.jsonl"))
    assert len(results) == 180
    assert results == wanted
    assert contents(folder) == originals
