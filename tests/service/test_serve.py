import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

from typer.testing import CliRunner

from mirnet_keras import cli, cli_serve


def wait_until_healthy(server, port):
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz") as answer:
                assert answer.read() == b'{"status":"ok"}'
            return
        except urllib.error.URLError:
            assert server.poll() is None, server.stderr.read()
            time.sleep(0.1)


def test_serving_ends_gracefully():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mirnet_keras.cli", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            wait_until_healthy(server, port)
            server.send_signal(signal.SIGTERM)
            output, errors = server.communicate(timeout=30)
        finally:
            server.kill()
    assert output.startswith(f"Serving at http://127.0.0.1:{port};")
    assert "Traceback" not in errors
    assert server.returncode in (0, -signal.SIGTERM)


def test_what_is_not_there_is_named(monkeypatch):
    result = CliRunner().invoke(cli.app, ["serve", "--preset", "awsrn_x2"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "Did you mean 'awsrn_s_x2'" in result.stderr
    monkeypatch.setattr(cli_serve, "NEEDED", ("no_such_package",))
    result = CliRunner().invoke(cli.app, ["serve"])
    assert result.exit_code == 2
    assert "pip install '.[serve]'" in result.stderr
