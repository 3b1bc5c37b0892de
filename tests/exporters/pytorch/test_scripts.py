"""The scripts of the exported folder on a small data set: prediction, fine-tuning, resuming, evaluation."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file

from exporters.pytorch.layout import torch_name
from exporters.pytorch.reading import read
from proxy_trainer.data.digits import make_digits
from search_space.cost import parameters
from search_space.document import load_block_specification
from tests.support.export_runtime import run_export
from tests.support.exported_folders import exported, random_model
from tests.support.random_detectors import UNEQUAL

NAMES = ("7", "digit", "1")
CAMPAIGN = {"id": "c_1", "name": "cars"}
PROVENANCE = {"campaign": CAMPAIGN, "trial": 3, "dataset": "cars"}
TRAIN = ("--epochs", 2, "--batch-size", 4, "--workers", 0, "--log-steps", 1, "--warmup-steps", 1, "--device", "cpu")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_digits(tmp_path_factory.mktemp("data") / "digits", train=9, val=3, categories=10, image_px=64).directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export for three classes, of which two are in the data set under another number."""
    model = random_model(UNEQUAL)
    classes = [{"id": number, "name": name} for number, name in enumerate(NAMES)]
    model = replace(model, specification=replace(model.specification, classes=classes, provenance=PROVENANCE))
    return exported(model, tmp_path_factory.mktemp("folder"))


@pytest.fixture(scope="module")
def trained(folder: Path, digits: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The directory of a fine-tuned detector, and what the training printed."""
    out = tmp_path_factory.mktemp("trained")
    return out, run_export(["train.py", digits, "--out", out, *TRAIN], folder=folder).stdout


def test_prediction_prints_boxes_and_draws_them(folder: Path, digits: Path, tmp_path: Path) -> None:
    pictures = sorted((digits / "val").glob("*.jpg"))[:2]
    results = json.loads(run_export(["predict.py", *pictures, "--out", tmp_path, "--score", 0.5], folder=folder).stdout)
    assert [result["image"] for result in results] == [str(picture) for picture in pictures]
    for picture, result in zip(pictures, results, strict=True):
        with Image.open(picture) as image, Image.open(tmp_path / f"{picture.stem}.png") as drawn:
            assert drawn.size == image.size == (result["width"], result["height"])
            assert np.any(np.asarray(drawn) != np.asarray(image.convert("RGB")))
        assert result["detections"]
        for found in result["detections"]:
            x1, y1, x2, y2 = found["box"]
            assert 0 <= x1 <= x2
            assert 0 <= y1 <= y2
            assert found["score"] >= 0.5
            assert found["name"] == NAMES[found["class"]]


def test_prediction_names_a_file_that_is_no_picture(folder: Path) -> None:
    done = run_export(["predict.py", "config.json"], folder=folder, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("config.json cannot be read as a picture")


def test_training_prints_finite_losses_and_the_metrics(trained: tuple[Path, str]) -> None:
    _, printed = trained
    losses = [float(value) for value in re.findall(r"step \d/4 total (\S+)", printed)]
    assert len(losses) == 4
    assert np.isfinite(losses).all()
    assert 0 <= json.loads(printed.splitlines()[-2])["ap"] <= 1


def test_a_trained_folder_is_an_export_of_the_classes_of_the_data_set(trained: tuple[Path, str], folder: Path) -> None:
    out, _ = trained
    specification = load_block_specification(out / "config.json")
    assert [each["name"] for each in specification.classes or []] == [str(digit) for digit in range(10)]
    assert specification.architecture == replace(UNEQUAL, class_slots=10)
    assert specification.weights is not None
    assert specification.weights["origin"] == "trained"
    assert (specification.training or {})["steps"] == 4
    assert specification.figures == json.loads(trained[1].splitlines()[-2])
    found = load_file(out / "model.safetensors")
    assert found.keys() == {torch_name(each) for each in parameters(specification.architecture)}
    assert {path.name for path in out.glob("*.py")} == {path.name for path in folder.glob("*.py")}
    assert run_export(["cost.py"], folder=out).stdout.startswith('{"madds": ')


def test_a_trained_folder_says_what_it_was_trained_on(trained: tuple[Path, str], folder: Path, digits: Path) -> None:
    out, _ = trained
    config, earlier = (json.loads((each / "config.json").read_text()) for each in (out, folder))
    assert earlier["provenance"]["campaign"] == config["provenance"]["campaign"] == CAMPAIGN
    assert (earlier["provenance"]["dataset"], config["provenance"]["dataset"]) == ("cars", digits.name)
    assert config["provenance"]["data"] is None
    assert config["provenance"]["versions"].keys() == {"torch"}
    data = config["training"]["data"]
    assert (data["train"]["images"], data["val"]["images"]) == (9, 3)
    annotations = (digits / "annotations" / data["val"]["annotations"]).read_bytes()
    assert data["val"]["annotations_file_sha256"] == hashlib.sha256(annotations).hexdigest()
    assert config["training"]["started_from"] == earlier["weights"]["sha256"]
    card, before = ((each / "README.md").read_text() for each in (out, folder))
    first = card.partition("\n# unequal\n\n")[2].partition("\n")[0]
    assert first == "Fine-tuned by `train.py` on digits (9 images, 10 classes) for 4 steps, at 64 x 64 pixels."
    assert yaml.safe_load(card.split("---\n")[1])["library_name"] == "pytorch"
    assert f"| ap | {config['figures']['ap']:.4f} |" in card
    assert "| 9 | 10 | 9 |" in card
    assert "- of the architecture: campaign: " in card
    assert "\n## Detect\n" in card
    for outdated in ("Nothing was measured with these weights.", "dataset: cars"):
        assert outdated in before
        assert outdated not in card


def test_predictions_of_classes_with_the_same_name_are_kept(folder: Path) -> None:
    program = (
        "from retinanet import load; from train import with_classes; import torch;"
        "old = load('.'); classes = [{'id': n, 'name': str(n)} for n in range(10)];"
        "new = with_classes(old, classes, None, 0.0).eval(); x = torch.randn(1, 3, 66, 70);"
        "(a, b), (c, d) = old.network(x), new.network(x);"
        "assert torch.equal(b, d); assert torch.allclose(a[..., [0, 2]], c[..., [7, 1]], atol=1e-6);"
        "assert c.shape[-1] == 10"
    )
    run_export(["-c", program], folder=folder)


def interrupt(folder: Path, digits: Path, out: Path) -> None:
    """A training whose process ends in step 4, after its checkpoint at step 3."""
    stop = (
        "import sys, train; sys.argv = ['train.py'];"
        "original = train.train_step; done = [];"
        "train.train_step = lambda *a: sys.exit(3) if len(done) == 3 else (done.append(1), original(*a))[1];"
        f"train.main({[str(each) for each in (digits, '--out', out, *TRAIN, '--checkpoint-steps', 3)]})"
    )
    assert run_export(["-c", stop], folder=folder, check=False).returncode == 3
    assert (out / "checkpoint.pt").exists()


def test_a_resumed_training_gives_the_same_weights(
    trained: tuple[Path, str], folder: Path, digits: Path, tmp_path: Path
) -> None:
    interrupt(folder, digits, tmp_path)
    run_export(["train.py", digits, "--out", tmp_path, *TRAIN, "--resume"], folder=folder)
    once, resumed = (load_file(out / "model.safetensors") for out in (trained[0], tmp_path))
    assert once.keys() == resumed.keys()
    for name, values in once.items():
        np.testing.assert_array_equal(resumed[name], values, err_msg=name)
    assert not (tmp_path / "checkpoint.pt").exists()


def test_another_training_is_not_resumed(folder: Path, digits: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "out", shutil.copytree(digits, tmp_path / "other")
    interrupt(folder, digits, out)
    annotations = other / "annotations" / "instances_train.json"
    annotations.write_text(annotations.read_text() + "\n")
    for data, changes, message in (
        (digits, ("--seed", 1), "seed was 0, and now is 1"),
        (digits, ("--optimizer", "sgd", "--lr", 0.002), "optimizer was adamw, and now is sgd"),
        (digits, ("--epochs", 3), "epochs was 2, and now is 3"),
        (other, (), "data was "),
    ):
        arguments = ["train.py", data, "--out", out, *TRAIN, *changes, "--resume"]
        done = run_export(arguments, folder=folder, check=False)
        assert done.returncode == 1
        assert f"checkpoint.pt is of another training: {message}" in done.stderr
    assert (out / "checkpoint.pt").exists()


def test_batches_are_drawn_when_they_are_needed(folder: Path) -> None:
    program = (
        "from argparse import Namespace; from itertools import islice; from train import batch_order;"
        "options = Namespace(seed=3, epochs=10**12, batch_size=4);"
        "steps = list(islice(batch_order(9, options, 0), 7));"
        "assert list(islice(batch_order(9, options, 3), 4)) == steps[3:];"
        "assert [len({index for index, _ in one + two}) for one, two in (steps[:2], steps[2:4])] == [8, 8];"
        "assert steps[5][0][1] == f'3 5 {steps[5][0][0]}'; options.epochs = 2;"
        "assert list(batch_order(9, options, 0)) == steps[:4]; assert not list(batch_order(9, options, 4))"
    )
    run_export(["-c", program], folder=folder)


def test_without_pycocotools_training_says_that_ap_is_not_measured(folder: Path, digits: Path) -> None:
    program = (
        "import sys; sys.modules['pycocotools'] = None; from pathlib import Path; from retinanet import load;"
        f"from evaluate import coco_metrics; assert coco_metrics(load('.'), Path({str(digits)!r})) is None"
    )
    assert "pip install pycocotools" in run_export(["-c", program], folder=folder).stdout


FINDS_ALL = """
import json, sys
from pathlib import Path
import evaluate
from coco_folder import CocoFolder
from retinanet import load

model, folders = load("."), [CocoFolder(Path(each), "val") for each in sys.argv[1:]]
labels = {each["name"]: label for label, each in enumerate(model.classes)}
print(json.dumps([evaluate.category_ids(model, folder) for folder in folders]))
for folder, data in zip(folders, sys.argv[1:]):
    images = iter(range(len(folder)))
    def detect(model, picture, lowest_score):  # all objects of classes that the detector has
        boxes, categories = folder.targets(next(images))
        names = [folder.classes[category]["name"] for category in categories]
        return [(box.tolist(), 0.9, labels[name]) for box, name in zip(boxes, names) if name in labels]
    evaluate.detect = detect
    evaluate.coco_metrics(model, Path(data))
"""


def numbered(digits: Path, directory: Path, names: dict[str, str] | None = None) -> Path:
    """The validation images with ids that differ, in another order, and with these names in the place of theirs."""
    document = json.loads((digits / "annotations" / "instances_val.json").read_text())
    ids = {each["id"]: 100 - each["id"] for each in document["categories"]}
    for each in document["categories"]:
        each |= {"id": ids[each["id"]], "name": (names or {}).get(each["name"], each["name"])}
    for each in document["annotations"]:
        each["category_id"] = ids[each["category_id"]]
    (directory / "annotations").mkdir(parents=True)
    (directory / "annotations" / "instances_val.json").write_text(json.dumps(document))
    (directory / "val").symlink_to(digits / "val")
    return directory


def test_classes_are_scored_by_their_names_whatever_the_ids_of_the_data_set(
    folder: Path, digits: Path, tmp_path: Path
) -> None:
    done = run_export(["-c", FINDS_ALL, digits, numbered(digits, tmp_path / "other")], folder=folder)
    found, *measured = map(json.loads, done.stdout.splitlines())
    document = json.loads((digits / "annotations" / "instances_val.json").read_text())
    ids = {each["name"]: each["id"] for each in document["categories"]}
    own = {"0": ids["7"], "2": ids["1"]}
    assert found == [own, {label: 100 - each for label, each in own.items()}]
    assert done.stderr.count("lacks them: digit\n") == 4
    assert measured[0] == measured[1]
    assert measured[0]["ap"] > 0


def test_a_data_set_of_other_classes_is_not_scored(folder: Path, digits: Path, tmp_path: Path) -> None:
    others = {str(digit): f"number {digit}" for digit in range(10)}
    data = numbered(digits, tmp_path / "data", others)
    program = (
        "import sys; from pathlib import Path; from evaluate import coco_metrics; from retinanet import load;"
        "model, data = load('.'), Path(sys.argv[1]); assert coco_metrics(model, data) is None;"
        "model.classes = None; assert coco_metrics(model, data) is None"
    )
    first, second = run_export(["-c", program, data], folder=folder).stdout.splitlines()
    assert first.startswith("AP is not measured: no class of the detector (7, digit, 1) is a category of ")
    assert f"the detector has {UNEQUAL.class_slots} classes without names, and " in second
    assert second.endswith("has 10")


@pytest.mark.slow
def test_training_takes_sgd_bfloat16_workers_and_another_input_size(folder: Path, digits: Path, tmp_path: Path) -> None:
    options = (*TRAIN, "--optimizer", "sgd", "--bfloat16", "--workers", 2, "--input-px", 96)
    run_export(["train.py", digits, "--out", tmp_path, *options], folder=folder)
    assert read(tmp_path).architecture == replace(UNEQUAL, class_slots=10, input_px=96)
