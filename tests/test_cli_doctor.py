import json


def test_doctor_finds_restoring_as_it_was_measured(run, monkeypatch):
    monkeypatch.delenv("MIRNET_KERAS_PRESETS")
    result = run("doctor")
    assert result.exit_code == 0, result.output
    assert "keras " in result.stdout and "free_memory_gb" in result.stdout
    assert result.stdout.count("dB, as measured") == 2
    assert result.stdout.endswith("All is well.\n")


def test_doctor_tells_where_restoring_goes_wrong(run):
    result = run("doctor")  # here with other presets of these names
    assert result.exit_code == 1
    assert "dB, but 32.36 was measured" in result.stdout
    report = json.loads(run("doctor", "--json").stdout)
    assert [test["passed"] for test in report["tests"]] == [False, False]
    assert report["passed"] is False and report["machine"]["keras"]
