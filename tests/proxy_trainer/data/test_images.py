from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from proxy_trainer.data.images import load_image, resize_and_pad, resized_size
from proxy_trainer.errors import DataError, UnreadableImageError
from tests.support.edge_case_coco import EDGE_CASE_IMAGES


def test_every_colour_mode_gives_rgb_of_the_stored_size(edge_case_coco: Path) -> None:
    for name, (width, height), _, _ in EDGE_CASE_IMAGES:
        pixels = load_image(edge_case_coco / "images" / name)
        assert pixels.shape == (height, width, 3), name
        assert pixels.dtype == np.uint8, name
        assert 60 < pixels[-8:, :8].mean() < 170, f"{name}: the mean of the grey background is {pixels[-8:, :8].mean()}"


def test_16_bit_grey_keeps_its_high_byte(tmp_path: Path) -> None:
    values = np.array([[0, 255, 256, 32768, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "deep.png")
    assert load_image(tmp_path / "deep.png")[0, :, 1].tolist() == [0, 0, 1, 128, 255]


def test_cmyk_jpeg_is_not_inverted(tmp_path: Path) -> None:
    red = Image.new("RGB", (16, 16), (250, 10, 10))
    red.convert("CMYK").save(tmp_path / "red.jpg", quality=95)
    pixels = load_image(tmp_path / "red.jpg").reshape(-1, 3).mean(axis=0)
    assert pixels[0] > 200
    assert pixels[1] < 60
    assert pixels[2] < 60


def test_exif_orientation_is_not_applied(edge_case_coco: Path) -> None:
    assert load_image(edge_case_coco / "images" / "turned.jpg").shape == (70, 140, 3)


def test_truncated_missing_and_other_files_are_refused(edge_case_coco: Path) -> None:
    path = edge_case_coco / "images" / "wide.jpg"
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(UnreadableImageError, match=r"cannot read the image .*wide\.jpg: .*truncated") as caught:
        load_image(path)
    assert caught.value.path == path
    assert caught.value.reaction == "stop"
    assert isinstance(caught.value, DataError)
    with pytest.raises(UnreadableImageError, match=r"nowhere\.jpg: there is no such file"):
        load_image(edge_case_coco / "images" / "nowhere.jpg")
    with pytest.raises(UnreadableImageError, match=r"annotations\.json: cannot identify image file"):
        load_image(edge_case_coco / "annotations.json")
    path.write_bytes(b"")
    with pytest.raises(UnreadableImageError, match=r"wide\.jpg"):
        load_image(path)


@settings(max_examples=60)
@given(height=st.integers(1, 300), width=st.integers(1, 300), image_px=st.integers(8, 160))
def test_resize_and_pad_keeps_the_aspect_and_pads_bottom_and_right(height: int, width: int, image_px: int) -> None:
    padded, scale = resize_and_pad(np.full((height, width, 3), 200, np.uint8), image_px)
    new_height, new_width = resized_size(height, width, image_px)
    assert padded.shape == (image_px, image_px, 3)
    assert padded.dtype == np.uint8
    assert max(new_height, new_width) == image_px
    assert scale == image_px / max(height, width)
    assert abs(new_height - height * scale) <= max(0.5, 1 - height * scale)
    assert abs(new_width - width * scale) <= max(0.5, 1 - width * scale)
    assert (padded[:new_height, :new_width] == 200).all()
    assert not padded[new_height:].any()
    assert not padded[:, new_width:].any()


def test_positions_are_multiplied_by_the_scale() -> None:
    image = np.zeros((133, 200, 3), np.uint8)
    image[40:60, 100:150] = 255
    padded, scale = resize_and_pad(image, 128)
    rows, columns = np.nonzero(padded[..., 0] > 127)
    assert abs(rows.min() - 40 * scale) <= 1
    assert abs(rows.max() + 1 - 60 * scale) <= 1
    assert abs(columns.min() - 100 * scale) <= 1
    assert abs(columns.max() + 1 - 150 * scale) <= 1


def test_an_image_of_the_right_size_is_not_resampled() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 48, 3), np.uint8)
    padded, scale = resize_and_pad(image, 64)
    assert scale == 1
    assert (padded[:, :48] == image).all()
