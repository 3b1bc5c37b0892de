"""Signal handlers and output of a process with a Ray session. Without Ray."""

from __future__ import annotations

import logging
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from ray._private import worker as ray_worker

from nas_controller.execution.ray_output import redirected
from nas_controller.execution.ray_sessions import _started

NAME = "c_00000000test0124"


def own_handler(number: int, frame: FrameType | None) -> None:
    raise AssertionError("no signal is sent here")


def handler_of_ray(number: int, frame: FrameType | None) -> None:
    raise AssertionError("no signal is sent here")


def start() -> None:
    """Replaces the signal handler, as `ray.init` does."""
    signal.signal(signal.SIGTERM, handler_of_ray)


@pytest.fixture
def restored_handler() -> Iterator[object]:
    handler = signal.getsignal(signal.SIGTERM)
    yield handler
    signal.signal(signal.SIGTERM, handler)


def test_the_sigterm_handler_of_the_process_is_kept(restored_handler: object) -> None:
    signal.signal(signal.SIGTERM, own_handler)
    with _started(start, NAME):
        assert signal.getsignal(signal.SIGTERM) is own_handler
    assert signal.getsignal(signal.SIGTERM) is own_handler


@pytest.mark.parametrize("error", [None, ValueError])
def test_without_a_handler_rays_applies_until_the_end_of_the_session(
    restored_handler: object, error: type[Exception] | None
) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        with _started(start, NAME):
            assert signal.getsignal(signal.SIGTERM) is handler_of_ray
            if error is not None:
                raise error
    except ValueError:
        pass
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_process_that_exits_ignores_further_signals(restored_handler: object) -> None:
    signal.signal(signal.SIGTERM, own_handler)
    with pytest.raises(SystemExit), _started(start, NAME):
        raise SystemExit(143)
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN


def test_the_output_of_workers_and_log_lines_go_only_to_the_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "check.log"
    original = ray_worker.print_to_stdstream
    with redirected(path):
        ray_worker.print_to_stdstream({"pid": 17, "lines": ["one", "two"], "is_err": True}, False)
        ray_worker.print_to_stdstream({"pid": "autoscaler", "lines": ["status"], "is_err": False}, False)
        logging.getLogger("ray.tune").error("a trial failed")
        logging.getLogger("nas_controller.execution.dispatcher").warning("trial 3 failed")
    assert ray_worker.print_to_stdstream is original
    first, second, *logged = path.read_text().splitlines()
    assert [first, second] == ["(process 17) one", "(process 17) two"]
    assert [line.partition(" ERROR ")[2] or line.partition(" WARNING ")[2] for line in logged] == [
        "ray.tune: a trial failed", "nas_controller.execution.dispatcher: trial 3 failed",
    ]  # fmt: skip
    assert capfd.readouterr() == ("", "")
