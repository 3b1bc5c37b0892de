"""Copies of a campaign's record where teams look: TensorBoard event files, and a run of MLflow.

Entries follow from the events of the record alone (`entries`), so a sink that knows how many it has can be continued
after any kill: no entry is missing and none is there twice (`syncing`). The package imports no database: the supervisor
reads the store, and `effspine campaign sync` the service.
"""
