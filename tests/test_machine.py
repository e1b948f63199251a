import keras
import pytest

from mirnet_keras import machine

OLD, NEW = {"fpu", "sse2", "avx2"}, {"fpu", "sse2", "avx2", "avx512f", "amx_bf16"}


@pytest.mark.parametrize(
    ("flags", "devices", "slow"),
    [
        (OLD, ["cpu:0"], True),
        (NEW, ["cpu:0"], False),
        (OLD, ["CPU:0", "gpu:0"], False),
        (set(), ["cpu:0"], False),  # not known
    ],
)
def test_bfloat16_is_slow_without_its_instructions(flags, devices, slow, monkeypatch):
    monkeypatch.setattr(machine, "_processor_flags", lambda: flags)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: devices)
    assert machine.lacks_bfloat16() is slow


@pytest.mark.parametrize(("flags", "amx"), [(OLD, False), (NEW, True), (set(), None)])
def test_the_matrix_unit_is_named(flags, amx, monkeypatch):
    monkeypatch.setattr(machine, "_processor_flags", lambda: flags)
    assert machine.describe_machine()["amx_bf16"] is amx


def test_devices_are_named_in_full(monkeypatch):
    found = {"cpu": ["CPU:0"], "gpu": ["GPU:0", "GPU:1"]}

    def list_devices(kind):
        if kind not in found:
            raise RuntimeError(f"Unknown backend {kind}")
        return found[kind]

    monkeypatch.setattr(keras.distribution, "list_devices", list_devices)
    names = [machine.device_name(text) for text in ("cpu", "GPU", "gpu:1", "cpu:0")]
    assert names == ["cpu:0", "gpu:0", "gpu:1", "cpu:0"]
    for wrong in ("gpu:2", "tpu", "fast", ""):
        with pytest.raises(machine.DeviceError, match=r"There are: cpu:0, gpu:0, gpu:1\. Name"):
            machine.device_name(wrong)
