"""Calls functions in fresh processes, because TensorFlow reads most of its settings once, when it starts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, TypeVar

from proxy_trainer.native_output import suppress_native_output

T = TypeVar("T")


def run_in_fresh_process(function: Callable[..., T], *arguments: Any) -> T:
    """The result of a call in a fresh process; output of native libraries there is suppressed."""
    return run_in_fresh_processes(1, function, *arguments)[0]


def run_in_fresh_processes(
    processes: int, function: Callable[..., T], *arguments: Any, environment: Mapping[str, str] | None = None
) -> list[T]:
    """The results of the same call in several fresh processes at once, with `environment` added to their variables."""
    with _environment(environment or {}), ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return [each.result() for each in [pool.submit(_call_quietly, function, arguments) for _ in range(processes)]]


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
