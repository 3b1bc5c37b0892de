"""Model Garden's training driver with this backbone.

python -m eff_spinenet.train --experiment=eff_spinenet_retinanet --config_file=experiments/retinanet.yaml \\
    --mode=train_and_eval --model_dir=run
"""

from __future__ import annotations

from absl import app, flags
from official.common import flags as model_garden_flags
from official.vision import train

import eff_spinenet  # noqa: F401, it registers the experiments

if __name__ == "__main__":
    model_garden_flags.define_flags()
    flags.mark_flags_as_required(["experiment", "mode", "model_dir"])
    app.run(train.main)
