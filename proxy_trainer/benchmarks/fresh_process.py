"""Calls functions in fresh processes, because TensorFlow reads most of its settings once, when it starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import BrokenBarrierError
from typing import Any, TypeVar

from proxy_trainer.native_output import suppress_native_output

T = TypeVar("T")


def run_in_fresh_process(function: Callable[..., T], *arguments: Any) -> T:
    """The result of a call in a fresh process; output of native libraries there is suppressed."""
    return run_in_fresh_processes(1, function, *arguments)[0]


def run_in_fresh_processes(
    processes: int, function: Callable[..., T], *arguments: Any, environment: Mapping[str, str] | None = None
) -> list[T]:
    """The results of the same call in several fresh processes at once, with `environment` added to their variables.

    Raises the exception of a process; a BrokenBarrierError only where there is no other, since it is a consequence.
    """
    with _environment(environment or {}), ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        calls = [pool.submit(_call_quietly, function, arguments) for _ in range(processes)]
        errors = [error for call in calls if (error := call.exception()) is not None]
        if errors:
            raise min(errors, key=lambda error: isinstance(error, BrokenBarrierError))
        return [call.result() for call in calls]


def _call_quietly(function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    with suppress_native_output():
        return function(*arguments)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Sets environment variables for processes started in the block; some are read before Python could set them."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
