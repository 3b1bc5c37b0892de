"""Output under any encoding, and texts of others that try to steer the terminal."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from nas_controller.store import Store
from tests.support.command_line import CommandLine
from tests.support.recorder import Recorder

BARE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
ENCODINGS = [
    pytest.param({"PYTHONIOENCODING": "latin-1"}, id="latin-1"),
    pytest.param({"PYTHONIOENCODING": "ascii"}, id="ascii"),
    pytest.param({"PYTHONIOENCODING": "cp437"}, id="cp437"),
    pytest.param(BARE, id="no locale"),
]
STEERING = "\x1b[2J\u202eApfel\u2066\x9b31m\u2028苹果"


def encoded_output(
    effspine: CommandLine, variables: dict[str, str], *arguments: str
) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "api.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, env=effspine.environment | variables, timeout=120)


@pytest.mark.parametrize("variables", ENCODINGS)
def test_spark_lines_and_tables_fall_back_to_what_the_encoding_has(
    effspine: CommandLine, variables: dict[str, str]
) -> None:
    done = encoded_output(effspine, variables, "sample", "--count", "3")
    assert (done.returncode, done.stderr) == (0, b"")
    text = done.stdout.decode("ascii")
    assert "#" in text
    assert "\\u" not in text


@pytest.mark.parametrize("variables", ENCODINGS)
def test_names_are_shown_under_any_encoding(effspine: CommandLine, served: Store, variables: dict[str, str]) -> None:
    recorder = Recorder(served, name="Äpfel 苹果", trials=2).run(2)
    for arguments in (("campaign", "list"), ("campaign", "show", recorder.id), ("campaign", "trials", recorder.id)):
        done = encoded_output(effspine, variables, *arguments)
        assert (done.returncode, done.stderr) == (0, b""), arguments
        assert b"\xe8\x8b\xb9" not in done.stdout
    shown = encoded_output(effspine, variables, "campaign", "show", recorder.id, "--json")
    encoding = variables.get("PYTHONIOENCODING") or "ascii"
    assert json.loads(shown.stdout.decode(encoding))["name"] == "Äpfel 苹果"


def test_a_message_of_the_service_cannot_steer_the_terminal(effspine: CommandLine, served: Store) -> None:
    recorder = Recorder(served)
    recorder.fail(recorder.begin(), f"category {STEERING} is wrong")
    for arguments in (("trials", recorder.id), ("trials", recorder.id, "--json"), ("show", recorder.id)):
        done = effspine("campaign", *arguments)
        assert done.status == 0
        assert not set(done.out) & set(STEERING) - set("Apfel苹果[2J31m")
    assert "苹果" in effspine("campaign", "trials", recorder.id).out
    trials = json.loads(effspine("campaign", "trials", recorder.id, "--json").out)
    assert trials[0]["error"].endswith(f"category {STEERING} is wrong")


def test_a_problem_of_a_foreign_server_cannot_steer_the_terminal(effspine: CommandLine) -> None:
    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps({"detail": f"no {STEERING}\nerror: more"}).encode()
            self.send_response(404)
            self.send_header("Content-Type", "application/problem+json")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Foreign) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        effspine.environment["EFFSPINE_URL"] = f"http://127.0.0.1:{server.server_port}"
        done = effspine("campaign", "show", "c")
        server.shutdown()
    assert done.status == 2
    assert done.err == "error: no \\x1b[2J\\u202eApfel\\u2066\\x9b31m 苹果 error: more\n"
