"""The sections of the README on the use of the exported folder."""

USAGE = {"Use": ""}
