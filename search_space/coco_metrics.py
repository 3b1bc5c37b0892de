"""The twelve COCO box metrics: their names, in the order of the COCO tools, and what each measures."""

from __future__ import annotations

_AP, _AR = "Average precision", "Average recall"
_SMALL, _MEDIUM, _LARGE = "below 32² pixels", "of 32² to 96² pixels", "above 96² pixels"

COCO_METRICS: dict[str, str] = {
    "ap": f"{_AP}, mean over IoU 0.50 to 0.95",
    "ap50": f"{_AP} at IoU 0.50",
    "ap75": f"{_AP} at IoU 0.75",
    "ap_small": f"{_AP} of objects {_SMALL}",
    "ap_medium": f"{_AP} of objects {_MEDIUM}",
    "ap_large": f"{_AP} of objects {_LARGE}",
    "ar1": f"{_AR} with 1 detection per image",
    "ar10": f"{_AR} with 10 detections per image",
    "ar100": f"{_AR} with 100 detections per image",
    "ar_small": f"{_AR} of objects {_SMALL}",
    "ar_medium": f"{_AR} of objects {_MEDIUM}",
    "ar_large": f"{_AR} of objects {_LARGE}",
}

METRICS = tuple(COCO_METRICS)
