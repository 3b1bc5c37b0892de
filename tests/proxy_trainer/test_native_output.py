from __future__ import annotations

import os

import pytest

from proxy_trainer.errors import DataError
from proxy_trainer.native_output import suppress_native_output


def _fail(output: bytes, error: Exception) -> None:
    os.write(2, output)
    raise error


def test_output_is_suppressed_in_the_block_only(capfd: pytest.CaptureFixture[str]) -> None:
    with suppress_native_output():
        os.write(2, b"could not find a device\n")
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


def test_output_before_an_error_for_the_user_is_discarded(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(DataError), suppress_native_output():
        _fail(b"could not find a device\n", DataError("no such folder"))
    assert capfd.readouterr().err == ""


def test_output_before_an_unexpected_error_is_written(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ImportError), suppress_native_output():
        _fail(b"a library is missing\n", ImportError("libfoo.so"))
    assert capfd.readouterr().err == "a library is missing\n"
