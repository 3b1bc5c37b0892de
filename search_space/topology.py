"""The scale-permuted topology of SpineNet-49 that Eff-SpineNet keeps fixed (section 3.1, Table 1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

STEM_LEVEL = 1
MIN_ENDPOINT_LEVEL = 3
MAX_ENDPOINT_LEVEL = 7


@dataclass(frozen=True)
class Block:
    """One MBConv block: its number (from 1), feature level, parents, and whether it is an endpoint.

    A feature map of level l has 1 / 2^l of the image's height and width. A block with one parent is chained to
    it (parent 0 is the stem); a block with two fuses them (Equation 1).
    """

    number: int
    level: int
    parents: tuple[int, ...]
    is_endpoint: bool = False


BLOCKS: tuple[Block, ...] = (
    Block(1, 1, (0,)),
    Block(2, 2, (1,)),
    Block(3, 2, (2,)),
    Block(4, 2, (2, 3)),
    Block(5, 4, (2, 3)),
    Block(6, 3, (4, 5)),
    Block(7, 4, (4, 6)),
    Block(8, 6, (5, 7)),
    Block(9, 4, (5, 7)),
    Block(10, 5, (8, 9)),
    Block(11, 7, (8, 10)),
    Block(12, 5, (10, 11)),
    Block(13, 5, (10, 12)),
    Block(14, 4, (7, 12), is_endpoint=True),
    Block(15, 3, (6, 12), is_endpoint=True),
    Block(16, 5, (9, 14), is_endpoint=True),
    Block(17, 7, (7, 16), is_endpoint=True),
    Block(18, 6, (14, 16), is_endpoint=True),
)
NUM_BLOCKS = len(BLOCKS)


def _dangling() -> dict[int, tuple[int, ...]]:
    """Blocks without children, by the endpoint block of their level to which they are added."""
    used = {parent for block in BLOCKS for parent in block.parents}
    endpoint_of_level = {block.level: block.number for block in BLOCKS if block.is_endpoint}
    taken: dict[int, tuple[int, ...]] = {}
    for block in BLOCKS:
        if not block.is_endpoint and block.number not in used:
            endpoint = endpoint_of_level[block.level]
            taken[endpoint] = (*taken.get(endpoint, ()), block.number)
    return taken


DANGLING_INTO: dict[int, tuple[int, ...]] = _dangling()
"""Block 13 feeds no other block and is added to the endpoint of its level, block 16."""


def by_level(values: Iterable[float]) -> dict[int, float]:
    """The sums over the blocks of each level of a value [18] of each block, by level, the finest first."""
    sums = dict.fromkeys(sorted({block.level for block in BLOCKS}), 0.0)
    for block, value in zip(BLOCKS, values, strict=True):
        sums[block.level] += value
    return sums
