"""An architecture as files that other training repositories take."""

from exporters.provenance import provenance_of
from exporters.registry import EXPORTERS, Exporter

__all__ = ["EXPORTERS", "Exporter", "provenance_of"]
