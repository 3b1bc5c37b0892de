"""Calls in processes of their own, in which TensorFlow has not run yet, as benchmarks of its settings need them."""

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
    """The result of a call in a process of its own; what native libraries print there is held back."""
    return run_in_fresh_processes(1, function, *arguments)[0]


def run_in_fresh_processes(
    processes: int, function: Callable[..., T], *arguments: Any, environment: Mapping[str, str] | None = None
) -> list[T]:
    """The results of one call in so many processes at once, all with these variables in their `environment`."""
    with _environment(environment or {}), ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        return [each.result() for each in [pool.submit(_quietly, function, arguments) for _ in range(processes)]]


def _quietly(function: Callable[..., T], arguments: tuple[Any, ...]) -> T:
    with suppress_native_output():
        return function(*arguments)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Variables that processes started meanwhile find: some are read before Python could set them."""
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
