"""Studies of searches: each is one command that can be interrupted and run again, and that writes a page of `docs/`.

make results         one long search, as long a random search, and finals: docs/results.md
make object-sizes    a search on small and one on large objects: docs/object-sizes.md

A study uses only public interfaces: the commands `data make-digits`, `serve` and `proxy-check`, and the REST API. What
it measures, it writes as rows (`tools/studies/rows.py`); its page is a function of these rows.
"""
