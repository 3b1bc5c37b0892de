"""Whether a proxy task's reward can guide a search, measured before a search is paid for: `effspine proxy-check`.

`study` says what is trained, `running` trains it on Ray, `results` keeps what came of it, `findings` computes the
figures with `statistics`, `verdict` holds them to thresholds, and `document`, `tables` and `plot` show them.
"""
