"""The sections of the README on the use of the exported folder."""

_DETECT = """\
Nothing of effspine is needed:

    pip install torch safetensors pillow numpy
    python predict.py picture.jpg --out drawn

The boxes are printed as JSON, and `drawn/picture.png` shows them. `--score` is the lowest score that is reported.
In Python, from this directory:

```python
import torch
from PIL import Image

from retinanet import load

model = load(".")
pixels, scale = model.preprocess(Image.open("picture.jpg"))
with torch.inference_mode():
    found = model(pixels[None])[0]
boxes = found["boxes"] / scale  # x1, y1, x2, y2 in pixels of the picture; best first
scores, labels = found["scores"], found["labels"]
```
"""

_TRAIN = """\
On a COCO folder (`annotations/instances_train*.json` and, for the AP at the end, `instances_val*.json` beside the
directories of their images):

    python train.py DATA --out trained --epochs 30 --batch-size 16 --optimizer adamw --lr 0.002

`trained` becomes a folder like this one. Classes of equal names keep their predictions; others start anew. `--resume`
goes on after an interruption. The AP needs `pip install pycocotools`; `python evaluate.py DATA` measures it alone.
In your own loop, the model returns its losses:

```python
import torch

from retinanet import load, save

model = load(".").train()
images = torch.stack([pixels, pixels])
targets = [{"boxes": boxes[:1] * scale, "labels": labels[:1]}] * 2  # in pixels of the input
losses = model(images, targets)
sum(losses.values()).backward()
save(model, "saved")
```
"""

_EMBED = """\
`model.network` has all parameters and takes tensors alone, so `torch.compile` and `torch.export` take it:

```python
model.eval()
batch = torch.export.Dim("batch")
program = torch.export.export(model.network, (images,), dynamic_shapes=({0: batch},))
torch.export.save(program, "network.pt2")
```

CoreML (not run when this export was made; `pip install coremltools 'numpy<2.4'`) takes the network for one image:

    python -c 'import coremltools as ct, retinanet, torch; \
m = retinanet.load("."); \
x = torch.zeros(1, 3, m.input_px, m.input_px); \
ct.convert(torch.jit.trace(m.network, x), inputs=[ct.TensorType("images", x.shape)]).save("model.mlpackage")'

The backbone returns P3 to P7 as an ordered dictionary with the keys "0" to "4", and has `out_channels` and
`feature_info`, as detectors of torchvision and timm expect:

```python
from torchvision.models.detection import FasterRCNN

detector = FasterRCNN(model.backbone, num_classes=2)
```
"""

_FILES = """\
| file | content |
| --- | --- |
| `config.json` | the block specification: architecture, constants of the detector, classes, provenance |
| `model.safetensors` | the weights |
| `effspinenet.py` | the backbone |
| `retinanet.py` | the detector; loading and saving |
| `detection.py` | anchors, box codes, targets, losses, suppression |
| `predict.py`, `train.py`, `evaluate.py`, `cost.py`, `latency.py` | commands |
| `pictures.py` | what `predict.py` reads, prints and draws |
| `coco_folder.py` | the data set that `train.py` and `evaluate.py` read |
| `card.py` | the README of a detector that `train.py` has trained |

The folder is laid out as model hubs expect; on the Hugging Face Hub: `hf upload USER/NAME .`
"""

USAGE = {"Detect": _DETECT, "Train": _TRAIN, "Use the network elsewhere": _EMBED, "Files": _FILES}
