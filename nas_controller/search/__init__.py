"""The search algorithm, pure: the campaign document, controller, proposals, outcomes and early stopping."""
