"""Exports of a campaign's trials: what can be exported, the process that makes a file, and where files are kept."""
