from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageOps

from proxy_trainer.data.coco import load_split
from proxy_trainer.data.image_header import read_header
from proxy_trainer.data.images import image_content, load_image, read_image, resize_and_pad, resized_size
from proxy_trainer.errors import DataAwayError, DataError, UnreadableImageError
from tests.support.annotation_tools import ORIENTATION, save_folder, save_image, with_fields
from tests.support.edge_case_coco import EDGE_CASE_IMAGES


def test_every_colour_mode_gives_rgb_of_the_stored_size(edge_case_coco: Path) -> None:
    for name, (width, height), _, _ in EDGE_CASE_IMAGES:
        pixels = load_image(edge_case_coco / "images" / name)
        assert pixels.shape == (height, width, 3), name
        assert pixels.dtype == np.uint8, name
        assert 60 < pixels[-8:, :8].mean() < 170, f"{name}: the mean of the grey background is {pixels[-8:, :8].mean()}"


def test_cmyk_jpeg_is_not_inverted(tmp_path: Path) -> None:
    red = Image.new("RGB", (16, 16), (250, 10, 10))
    red.convert("CMYK").save(tmp_path / "red.jpg", quality=95)
    pixels = load_image(tmp_path / "red.jpg").reshape(-1, 3).mean(axis=0)
    assert pixels[0] > 200
    assert pixels[1] < 60
    assert pixels[2] < 60


def test_exif_orientation_is_not_applied_by_itself(edge_case_coco: Path) -> None:
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
    with pytest.raises(UnreadableImageError, match=r"wide\.jpg: the file is empty$"):
        load_image(path)
    with pytest.raises(UnreadableImageError, match=r"images: it is not a regular file$"):
        load_image(edge_case_coco / "images")
    os.mkfifo(edge_case_coco / "pipe.jpg")
    for read in (load_image, read_header):
        with pytest.raises(UnreadableImageError, match=r"pipe\.jpg: it is not a regular file$"):
            read(edge_case_coco / "pipe.jpg")
    with pytest.raises(UnreadableImageError, match=r"zero: it is not a regular file$"):
        load_image(Path("/dev/zero"))


def test_messages_are_the_same_every_time(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no image")
    messages = set()
    for _ in range(2):
        for read in (load_image, read_header):
            with pytest.raises(UnreadableImageError) as caught:
                read(tmp_path / "a.jpg")
            messages.add(str(caught.value))
    assert messages == {
        f"cannot read the image {tmp_path / 'a.jpg'}: cannot identify image file; convert it to JPEG or PNG"
    }


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_an_orientation_decides_where_only_the_turned_picture_has_the_stated_size(
    tmp_path: Path, orientation: int, suffix: str
) -> None:
    (tmp_path / "images").mkdir()
    path = tmp_path / "images" / f"a{suffix}"
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    pixels = np.random.default_rng(0).integers(0, 255, (20, 36, 3), np.uint8)
    Image.fromarray(pixels).save(path, exif=exif)
    header = read_header(path)
    assert (header.height, header.width, header.orientation, header.is_deep) == (20, 36, orientation, False)
    with Image.open(path) as image:
        stored = np.asarray(image.convert("RGB"))
        upright = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))

    def read(height: int, width: int) -> NDArray[np.uint8]:
        document = {
            "images": [{"id": 1, "file_name": path.name, "height": height, "width": width}],
            "annotations": [],
            "categories": [{"id": 1, "name": "x"}],
        }
        (tmp_path / "annotations.json").write_text(json.dumps(document))
        return read_image(load_split(tmp_path / "images", tmp_path / "annotations.json"), 0)

    assert (read(20, 36) == stored).all(), "the COCO tools ignore the orientation"
    if orientation >= 5:
        assert (read(36, 20) == upright).all()
    else:
        with pytest.raises(DataError, match=r"is 36x20 pixels, but .*annotations\.json says 20x36$"):
            read(36, 20)


def test_a_square_picture_is_taken_as_stored(tmp_path: Path) -> None:
    save_folder(tmp_path, with_fields(("images", 0, {"width": 30, "height": 30})), names=("b.jpg",))
    save_image(tmp_path / "images" / "a.jpg", (30, 30), orientation=6)
    split = load_split(tmp_path / "images", tmp_path / "annotations.json")
    assert (read_image(split, 0) == load_image(tmp_path / "images" / "a.jpg")).all()


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_damaged_metadata_and_orientations_that_do_not_exist_are_no_orientation(tmp_path: Path) -> None:
    for orientation in (0, 9, 200):
        save_image(tmp_path / "a.jpg", orientation=orientation)
        assert read_header(tmp_path / "a.jpg").orientation == 1
    Image.new("RGB", (4, 3)).save(tmp_path / "b.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert read_header(tmp_path / "b.jpg").orientation == 1
    assert load_image(tmp_path / "b.jpg").shape == (3, 4, 3)


def test_a_tiff_is_turned_by_pillow_itself(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    Image.new("RGB", (40, 30)).save(tmp_path / "a.tif", exif=exif)
    header = read_header(tmp_path / "a.tif")
    assert (header.height, header.width, header.orientation) == (40, 30, 1)
    assert load_image(tmp_path / "a.tif").shape == (40, 30, 3)


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert load_image(tmp_path / "a.gif")[0, 0].tolist() == [255, 0, 0]


def test_an_image_whose_directory_is_gone_or_empty_is_away(edge_case_coco: Path) -> None:
    split = load_split(edge_case_coco / "images", edge_case_coco / "annotations.json")
    split.path(0).unlink()
    with pytest.raises(UnreadableImageError, match="there is no such file"):
        image_content(split, 0)
    shutil.rmtree(edge_case_coco / "images")
    with pytest.raises(DataAwayError, match=r"there is no directory .*images$"):
        read_image(split, 1)
    (edge_case_coco / "images").mkdir()
    with pytest.raises(DataAwayError, match=r"the directory .*images is empty$"):
        read_image(split, 1)


LARGE = """
import sys
from pathlib import Path
from PIL import Image
from proxy_trainer.data.image_header import read_header
from proxy_trainer.errors import UnreadableImageError
for side in (10_000, 14_000):
    Image.new("1", (side, side)).save("large.png")
    try:
        print(read_header(Path("large.png")).height)
    except UnreadableImageError as error:
        print(error)
"""


def test_a_very_large_picture_is_read_without_a_word_or_refused_with_a_remedy(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(
        [sys.executable, "-c", LARGE], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    accepted, refused = done.stdout.splitlines()
    assert accepted == "10000"
    assert "196000000 pixels" in refused
    assert refused.endswith("; resize it, with its boxes, or split it into tiles")
    assert done.stderr == ""


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
