"""The search algorithm: campaign document, controller, proposals, outcomes and early stopping. Pure."""
