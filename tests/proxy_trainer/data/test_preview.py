"""Contact sheets show images and boxes as the trainer gets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from proxy_trainer.data.contact_sheet import TILE_PX, Tile, sheet
from proxy_trainer.data.decoded_images import decode_split
from proxy_trainer.data.digits import make_digits
from proxy_trainer.data.judgement import judge_dataset
from proxy_trainer.data.preview import drawn_images, write_previews
from proxy_trainer.errors import DataError
from search_space.proxy_task import resolve
from tests.support.annotation_tools import CASES, document, save_folder

RED = (230, 57, 70)
LEFT, TOP = 8, 28


def tile(boxes: list[list[float]], classes: list[int], px: int = 128, value: int = 0) -> Tile:
    pixels = np.full((px, px, 3), value, np.uint8)
    return Tile(pixels, np.array(boxes, np.float32).reshape(-1, 4), np.array(classes, np.int32), "a.jpg")


def outline(image: Image.Image) -> tuple[int, int, int, int]:
    """The bounds (x1, y1, x2, y2) of the first class's colour in the first tile."""
    pixels = np.asarray(image)[TOP : TOP + TILE_PX, LEFT : LEFT + TILE_PX]
    rows, columns = np.nonzero((pixels == RED).all(axis=2))
    return int(columns.min()), int(rows.min()), int(columns.max()) + 1, int(rows.max()) + 1


def test_a_box_is_drawn_where_it_is() -> None:
    drawn = sheet("title", [[tile([[20, 10, 60, 50], [0, 0, 0, 0]], [0, -1])]], [""])
    assert outline(drawn) == (20, 40, 100, 120)


def test_a_box_of_a_small_image_is_enlarged_with_it() -> None:
    drawn = sheet("title", [[tile([[8, 16, 32, 48]], [0], px=64)]], [""])
    assert outline(drawn) == (64, 32, 192, 128)


def test_rows_of_tiles_have_their_places() -> None:
    rows = [[tile([], [], value=10), tile([], [], value=20)], [tile([], [], value=30)]]
    pixels = np.asarray(sheet("title", rows, []))
    assert pixels.shape == (28 + 2 * (256 + 18 + 8), 8 + 2 * (256 + 8), 3)
    centres = [(TOP + 128, LEFT + 128), (TOP + 128, LEFT + 264 + 128), (TOP + 282 + 128, LEFT + 128)]
    assert [pixels[place].tolist() for place in centres] == [[10] * 3, [20] * 3, [30] * 3]


def test_a_label_is_inside_a_box_at_the_top() -> None:
    assert outline(sheet("title", [[tile([[4, 64, 96, 96]], [0])]], ["x"]))[1] == 8


@pytest.mark.parametrize("name", ["", "\x1b[31mred", "x" * 5000, "\u202egnp", "日本", "\udcff", "a\nb"])
def test_any_class_name_is_one_short_label(name: str) -> None:
    x1, y1, x2, y2 = outline(sheet(name, [[tile([[64, 64, 96, 96]], [0])]], [name]))
    assert (x1, y1, y2) == (128, 112 if name else 128, 192)
    assert 192 <= x2 <= TILE_PX


def test_a_tile_is_the_packed_image_of_the_trainer(tmp_path: Path) -> None:
    make_digits(tmp_path / "digits", train=40, val=10, seed=1)
    task = resolve("laptop", image_px=128, flip=False, scale_min=1.0, scale_max=1.0)
    paths = write_previews(tmp_path / "digits", tmp_path / "out", task, seed=3)
    assert [path.name for path in paths] == ["train.png", "reserved.png"]
    split = judge_dataset(tmp_path / "digits").loaded["train"]
    first = int(drawn_images(split, 16)[0])
    packed = decode_split(split, 128, tmp_path / "cache").pixels[first]
    drawn = np.asarray(Image.open(paths[0]))
    plain = drawn[TOP : TOP + TILE_PX, LEFT : LEFT + TILE_PX]
    augmented = drawn[TOP : TOP + TILE_PX, LEFT + 264 : LEFT + 264 + TILE_PX]
    np.testing.assert_array_equal(plain, augmented)  # this task changes nothing
    covered = (plain[::2, ::2] != packed).any(axis=2)
    assert 0 < covered.mean() < 0.5  # by boxes and labels
    assert drawn.shape[:2] == (28 + 8 * 282, 8 + 4 * 264)
    assert np.asarray(Image.open(paths[1])).shape[:2] == (28 + 3 * 282, 8 + 4 * 264)


def test_augmented_boxes_stay_on_their_objects(tmp_path: Path) -> None:
    """A white rectangle on black: after any view the red outline is at its border."""
    pixels = np.zeros((30, 40, 3), np.uint8)
    pixels[6:24, 8:30] = 255
    plain = document()
    for entry in plain["annotations"]:
        entry["bbox"] = [8, 6, 22, 18]
    save_folder(tmp_path / "given", plain)
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(pixels).save(tmp_path / "given" / "images" / name, "PNG")
    for seed in range(5):
        (path, _) = write_previews(tmp_path / "given", tmp_path / f"out-{seed}", resolve("laptop"), seed)
        drawn = np.asarray(Image.open(path))[TOP : TOP + TILE_PX, LEFT + 264 : LEFT + 264 + TILE_PX].astype(int)
        rows, columns = np.nonzero((drawn == RED).all(axis=2))
        inside = drawn[rows.min() + 24 : rows.max() - 6, columns.min() + 24 : columns.max() - 6]
        assert inside.min() > 200
        outside = drawn.copy()
        outside[rows.min() - 5 : rows.max() + 6, columns.min() - 5 : columns.max() + 6] = 0
        assert outside.max() < 60


def test_a_set_with_one_box_has_one_sheet(tmp_path: Path) -> None:
    CASES["box-empty"](tmp_path / "given")
    paths = write_previews(tmp_path / "given", tmp_path / "out", resolve("laptop"), 0)
    assert [path.name for path in paths] == ["train.png"]


def test_images_with_boxes_are_drawn_first_and_evenly(tmp_path: Path) -> None:
    given = document()
    given["images"] = [{"id": n, "file_name": f"{n}.jpg", "width": 40, "height": 30} for n in range(100)]
    given["annotations"] = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": [1, 2, 10, 12]} for n in range(0, 100, 10)
    ]
    save_folder(tmp_path, given, names=tuple(f"{n}.jpg" for n in range(100)))
    split = judge_dataset(tmp_path).loaded["train"]
    assert drawn_images(split, 4).tolist() == [0, 30, 60, 90]
    chosen = drawn_images(split, 16).tolist()
    assert len(set(chosen)) == 16
    assert set(range(0, 100, 10)) <= set(chosen)
    assert drawn_images(split, 200).tolist() == list(range(100))


def test_a_sheet_that_cannot_be_written_is_one_error(tmp_path: Path) -> None:
    save_folder(tmp_path / "given", document())
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"cannot write .*train\.png: File exists"):
        write_previews(tmp_path / "given", tmp_path / "file", resolve("laptop"), 0)
