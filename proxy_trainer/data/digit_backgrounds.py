"""Backgrounds of the digits data set: textures, and distractors that have contrast but are no digits."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.float32]


def background(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """A textured background with distractors, [height, width, 3], about 0.1 to 0.9."""
    canvas = plain_background(rng, height, width)
    canvas += _noise(rng, height, width)
    if rng.random() < 0.4:
        canvas += _stripes(rng, height, width)
    for _ in range(int(rng.integers(1, 6))):
        _draw_distractor(rng, canvas)
    return canvas


def plain_background(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """A tint with a gradient, [height, width, 3], about 0.1 to 0.9."""
    tint = rng.uniform(0.25, 0.75) + rng.uniform(-0.15, 0.15, 3)
    canvas = np.broadcast_to(tint.astype(np.float32), (height, width, 3)).copy()
    canvas += _gradient(rng, height, width)
    return canvas


def _gradient(rng: np.random.Generator, height: int, width: int) -> Pixels:
    angle = rng.uniform(0, 2 * np.pi)
    rows = np.linspace(-0.5, 0.5, height, dtype=np.float32)[:, None]
    columns = np.linspace(-0.5, 0.5, width, dtype=np.float32)[None, :]
    slope = (np.sin(angle) * rows + np.cos(angle) * columns).astype(np.float32)
    shade: Pixels = slope[..., None] * rng.uniform(-0.25, 0.25, 3).astype(np.float32)
    return shade


def _noise(rng: np.random.Generator, height: int, width: int) -> Pixels:
    """Mostly grey, smooth noise at four scales, from 40 pixels down to two."""
    noise = np.zeros((height, width, 3), np.float32)
    strength = rng.uniform(0.02, 0.09)
    for grain_px in (40, 16, 6, 2):
        shape = (height // grain_px + 2, width // grain_px + 2)
        amplitude = strength * rng.uniform(0.3, 1.0)
        grey = rng.standard_normal(shape).astype(np.float32)
        smooth = Image.fromarray(grey).resize((width, height), Image.Resampling.BICUBIC)
        colour = 1 + rng.uniform(-0.3, 0.3, 3).astype(np.float32)
        noise += np.asarray(smooth)[..., None] * (amplitude * colour).astype(np.float32)
    return noise


def _stripes(rng: np.random.Generator, height: int, width: int) -> Pixels:
    angle, phase = rng.uniform(0, np.pi), rng.uniform(0, 2 * np.pi)
    wavelength_px = np.exp(rng.uniform(np.log(5), np.log(60)))
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    wave = np.sin(2 * np.pi * (np.sin(angle) * rows + np.cos(angle) * columns) / wavelength_px + phase)
    stripes: Pixels = wave[..., None].astype(np.float32) * rng.uniform(-0.08, 0.08, 3).astype(np.float32)
    return stripes


def _draw_distractor(rng: np.random.Generator, canvas: Pixels) -> None:
    """Blends a filled ellipse, a filled polygon or a long open curve into the canvas, in place.

    Hollow closed shapes and short straight lines are avoided: they look like a 0 or a 1.
    """
    height, width = canvas.shape[:2]
    supersampling = 2
    mask = Image.new("L", (width * supersampling, height * supersampling))
    pen = ImageDraw.Draw(mask)
    centre = rng.uniform(0, 1, 2) * (width * supersampling, height * supersampling)
    size_px = supersampling * np.exp(rng.uniform(np.log(6), np.log(60)))
    kind = rng.integers(3)
    if kind == 0:
        radii = size_px * rng.uniform(0.3, 0.7, 2)
        pen.ellipse([*(centre - radii), *(centre + radii)], fill=255)
    elif kind == 1:
        angles = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(3, 6))))
        corners = centre + size_px * 0.7 * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        pen.polygon([(float(x), float(y)) for x, y in corners], fill=255)
    else:
        pen.line(
            _long_curve(rng, width * supersampling, height * supersampling),
            fill=255,
            width=int(rng.integers(2, 10)),
            joint="curve",
        )
    alpha = np.asarray(mask.reduce(supersampling), np.float32)[..., None] / 255 * rng.uniform(0.3, 0.9)
    shade = np.clip(canvas.mean(axis=(0, 1)) + rng.uniform(-0.45, 0.45) + rng.uniform(-0.15, 0.15, 3), 0.03, 0.97)
    canvas += alpha.astype(np.float32) * (shade.astype(np.float32) - canvas)


def _long_curve(rng: np.random.Generator, width: int, height: int) -> list[tuple[float, float]]:
    """Points of a quadratic Bézier curve from one side of the image to the opposite one."""
    ends = np.array([[0, rng.uniform(0, height)], [width, rng.uniform(0, height)]])
    if rng.random() < 0.5:
        ends = np.array([[rng.uniform(0, width), 0], [rng.uniform(0, width), height]])
    middle = rng.uniform(-0.2, 1.2, 2) * (width, height)
    t = np.linspace(0, 1, 24)[:, None]
    points = (1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * middle + t**2 * ends[1]
    return [(float(x), float(y)) for x, y in points]
