import re
import signal
import socket
import subprocess
import sys
import urllib.request

from typer.testing import CliRunner

from mirnet_keras import cli, cli_serve


def test_the_address_is_said_when_it_is_served_and_serving_ends_gracefully():
    command = [sys.executable, "-m", "mirnet_keras.cli", "serve", "--port", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            said = server.stdout.readline()
            address = re.match(r"Serving at (http://127\.0\.0\.1:[1-9]\d*);", said)[1]
            with urllib.request.urlopen(f"{address}/healthz", timeout=30) as answer:
                assert answer.read() == b'{"status":"ok"}'
            server.send_signal(signal.SIGTERM)
            output, errors = server.communicate(timeout=30)
        finally:
            server.kill()
    assert output == ""
    assert "Traceback" not in errors
    assert server.returncode in (0, -signal.SIGTERM)


def test_a_port_that_is_taken_is_named():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = CliRunner().invoke(cli.app, ["serve", "--port", str(port)])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"cannot listen at 127.0.0.1, port {port}: Address already in use." in result.stderr


def test_what_is_not_there_is_named(monkeypatch):
    result = CliRunner().invoke(cli.app, ["serve", "--preset", "awsrn_x2"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Did you mean 'awsrn_s_x2'" in result.stderr
    monkeypatch.setattr(cli_serve, "NEEDED", ("no_such_package",))
    result = CliRunner().invoke(cli.app, ["serve"])
    assert result.exit_code == 2
    assert "pip install '.[serve]'" in result.stderr
