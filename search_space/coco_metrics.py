"""The twelve COCO box metrics in the order of the COCO tools: their names in documents and to people, and what each
measures.
"""

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

_TITLES = {
    "ap": "AP",
    "ap50": "AP at IoU 0.50",
    "ap75": "AP at IoU 0.75",
    "ap_small": "AP small",
    "ap_medium": "AP medium",
    "ap_large": "AP large",
    "ar1": "AR, 1 detection",
    "ar10": "AR, 10 detections",
    "ar100": "AR, 100 detections",
    "ar_small": "AR small",
    "ar_medium": "AR medium",
    "ar_large": "AR large",
}
_OF_MASKS = "mask_"


def metric_title(name: str) -> str:
    """What people call a metric: `AP at IoU 0.50` for `ap50`, `mask AP small` for `mask_ap_small`; another metric has
    its name.
    """
    if name.startswith(_OF_MASKS) and name.removeprefix(_OF_MASKS) in _TITLES:
        return f"mask {_TITLES[name.removeprefix(_OF_MASKS)]}"
    return _TITLES.get(name, name)
