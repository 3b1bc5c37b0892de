"""The sections of the README on the use of the exported package, and what it approximates."""
from search_space.document import BlockSpecification
EXPECTED = {"retinanet":"a","maskrcnn":"b","classification":"c","segmentation":"d"}
DROPPED = ("x",)
def usage(specification: BlockSpecification) -> dict[str, str]:
    return {}
