"""Views transform pixels and boxes consistently."""

from __future__ import annotations

import numpy as np
import pytest

from proxy_trainer.data.views import Views, draw_views, is_visible, sampled_view, sampling_windows, view_boxes
from proxy_trainer.engine.augment import view_pixels
from search_space.proxy_task import resolve

PX = 64


def _views(scale: float = 1.0, origin: tuple[float, float] = (0.0, 0.0), flipped: bool = False) -> Views:
    return Views(np.array([scale], np.float32), np.array([origin], np.float32), np.array([flipped]))


def _view(image: np.ndarray, views: Views) -> np.ndarray:
    return view_pixels(image[None].astype(np.float32), sampling_windows(views, PX)).numpy()[0]


def test_the_identity_view_is_the_image() -> None:
    image = np.random.default_rng(0).integers(0, 255, (PX, PX, 3))
    np.testing.assert_allclose(_view(image, _views()), image, atol=1e-2)


def test_a_flip_mirrors_pixels_and_boxes() -> None:
    image = np.random.default_rng(0).integers(0, 255, (PX, PX, 3))
    np.testing.assert_allclose(_view(image, _views(flipped=True)), image[:, ::-1], atol=1e-2)
    boxes = view_boxes(np.array([[[1, 2, 10, 20]]], np.float32), _views(flipped=True), PX)
    np.testing.assert_allclose(boxes, [[[1, 44, 10, 62]]])


@pytest.mark.parametrize("seed", range(20))
def test_a_bright_rectangle_stays_in_its_box(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, x = rng.integers(5, 30, 2)
    height, width = rng.integers(12, 30, 2)
    image = np.zeros((PX, PX, 3))
    image[y : y + height, x : x + width] = 255
    task = resolve("smoke", scale_min=0.5, scale_max=2.0)
    views = draw_views(task, np.array([[PX, PX]], np.int32), rng)
    box = view_boxes(np.array([[[y, x, y + height, x + width]]], np.float32), views, PX)[0, 0]
    rows, columns = np.nonzero(_view(image, views)[..., 0] > 127)
    if not is_visible(box):
        return
    found = [rows.min(), columns.min(), rows.max() + 1, columns.max() + 1]
    np.testing.assert_allclose(found, box, atol=1.01)


def test_views_of_larger_images_stay_inside_the_content() -> None:
    task = resolve("smoke", scale_min=2.0, scale_max=2.0)
    sizes = np.array([[PX, 40]] * 200, np.int32)
    views = draw_views(task, sizes, np.random.default_rng(0))
    assert np.all(views.origin[:, 0] <= PX)
    assert np.all(views.origin[:, 1] <= 2 * 40 - PX)
    assert views.origin.min() >= 0
    assert 60 < views.flipped.sum() < 140


def test_the_paper_profile_scales_by_0_1_to_2_and_flips_half_of_the_images() -> None:
    views = draw_views(resolve("paper"), np.full((4000, 2), 512, np.int32), np.random.default_rng(0))
    assert 0.1 <= views.scale.min() < 0.11
    assert 1.99 < views.scale.max() <= 2.0
    assert views.scale.mean() == pytest.approx(1.05, abs=0.05)
    assert views.flipped.mean() == pytest.approx(0.5, abs=0.05)


def test_without_flip_and_jitter_nothing_is_changed() -> None:
    task = resolve("smoke", flip=False)
    views = draw_views(task, np.array([[PX, PX]] * 50, np.int32), np.random.default_rng(0))
    assert not views.flipped.any()
    assert np.all(views.scale == 1)
    assert np.all(views.origin == 0)


def test_boxes_outside_the_view_are_not_visible() -> None:
    boxes = np.array([[[0, 0, 10, 10], [40, 40, 50, 50], [18, 18, 22, 22]]], np.float32)
    clipped = view_boxes(boxes, _views(scale=2.0, origin=(40.0, 40.0)), PX)
    assert is_visible(clipped)[0].tolist() == [False, True, True]


@pytest.mark.parametrize("seed", range(10))
def test_numpy_samples_the_same_pixels_as_the_graph(seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(0, 256, (PX, PX, 3), np.uint8)
    task = resolve("smoke", scale_min=0.3, scale_max=2.0)
    views = draw_views(task, np.array([[PX, 40], [50, PX]], np.int32), rng)
    windows = sampling_windows(views, PX)
    by_graph = view_pixels(np.stack([image, image]).astype(np.float32), windows).numpy()
    for index in range(2):
        np.testing.assert_allclose(sampled_view(image, views, index), by_graph[index], atol=0.51)
