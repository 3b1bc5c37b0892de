"""Small proxy tasks of the tests that train. Tasks that differ only in steps and rates share an engine."""

from __future__ import annotations

from search_space.proxy_task import resolve

TINY = resolve("smoke", image_px=32, width_multiplier=0.1, batch_size=2, subnet_width=4)
SMOKE = resolve("smoke", ema_decay=0.9, stochastic_depth=0.2)
SMOKE_ADAMW = resolve(
    "smoke", ema_decay=0.9, stochastic_depth=0.2, clip_norm=5.0, optimizer="adamw", learning_rate=0.003
)
