"""`effspine bench searchers`: the search algorithms on rewards whose true value is known."""
