from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from proxy_trainer.data.coco import load_split
from proxy_trainer.data.deep_pixels import deep_values, eight_bits, used_bits
from proxy_trainer.data.image_header import read_header
from proxy_trainer.data.images import depth_findings, load_image
from proxy_trainer.errors import UnreadableImageError
from tests.support.annotation_tools import save_folder, with_fields

COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""That of a PNG with so many channels."""


def _png(values: NDArray[np.integer]) -> bytes:
    """A PNG of 16 bits a channel, which Pillow cannot write in colour."""
    height, width, channels = values.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">IIBBBBB", width, height, 16, COLOUR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )


@pytest.mark.parametrize("channels", COLOUR_TYPES)
@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_the_range_that_is_used_becomes_eight_bits(tmp_path: Path, channels: int, bits: int) -> None:
    values = np.random.default_rng(bits).integers(0, 1 << bits, (9, 7, channels))
    values[0, 0] = (1 << bits) - 1
    (tmp_path / "a.png").write_bytes(_png(values))
    colours = values[..., :3] if channels > 2 else values[..., :1]
    assert read_header(tmp_path / "a.png").is_deep
    assert (load_image(tmp_path / "a.png") == colours >> (bits - 8)).all()


def test_16_bit_grey_keeps_its_high_byte(tmp_path: Path) -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    for name in ("deep.png", "deep.tif"):
        Image.fromarray(values).save(tmp_path / name)
        assert read_header(tmp_path / name).is_deep
        assert load_image(tmp_path / name)[0, :, 1].tolist() == [0, 0, 1, 128, 255]


@pytest.mark.parametrize(
    ("largest", "bits"), [(0, 8), (255, 8), (256, 10), (1023, 10), (1024, 12), (4095, 12), (4096, 14), (65535, 16)]
)
def test_used_bits(largest: int, bits: int) -> None:
    assert used_bits(np.array([[0, largest]])) == bits
    assert eight_bits(np.array([largest])).tolist() == [largest >> (bits - 8)]


def test_colour_whose_low_bytes_are_lost_is_refused_where_it_would_be_dark(monkeypatch: pytest.MonkeyPatch) -> None:
    # Pillow writes no 16-bit colour, so the layout of a PNG stands for that of another format.
    monkeypatch.setattr("proxy_trainer.data.deep_pixels._LOW_BYTES", {})
    values = np.full((3, 4, 3), 4095)
    with pytest.raises(ValueError, match="can be read from PNG only; convert it to 8 bits"):
        deep_values(_png(values))
    assert (deep_values(_png(values * 16)) >> 8 == 4095 * 16 >> 8).all()


def test_eight_bit_files_are_not_deep(tmp_path: Path) -> None:
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA"):
        Image.new(mode, (4, 3)).save(tmp_path / "a.png")
        assert not read_header(tmp_path / "a.png").is_deep


def test_float_pixels_are_refused(tmp_path: Path) -> None:
    Image.fromarray(np.ones((3, 4), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(UnreadableImageError, match="floating point pixels have no defined range"):
        load_image(tmp_path / "a.tif")


def test_images_of_16_bits_are_counted_with_their_ranges(tmp_path: Path) -> None:
    named = with_fields(("images", 0, {"file_name": "a.png"}), ("images", 1, {"file_name": "b.png"}))
    save_folder(tmp_path, named, names=())
    (tmp_path / "images").mkdir()
    for name, largest in (("a.png", 4000), ("b.png", 60000)):
        content = io.BytesIO()
        Image.fromarray(np.full((30, 40), largest, np.uint16)).save(content, "PNG")
        (tmp_path / "images" / name).write_bytes(content.getvalue())
    split = load_split(tmp_path / "images", tmp_path / "annotations.json")
    headers = [read_header(split.path(index)) for index in range(2)]
    (finding,) = depth_findings(split, headers)
    assert (finding.kind, finding.count) == ("sixteen-bit", 2)
    assert finding.message == (
        "annotations.json: 2 images of 16 bits a channel, reduced to 8 by the range that each uses "
        "(12 bits in 1, 16 bits in 1)"
    )
    assert finding.examples == ("a.png (12 bits)", "b.png (16 bits)")
    assert depth_findings(split, [None, None]) == []
