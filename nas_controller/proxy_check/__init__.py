"""Whether a proxy task's reward can guide a search, measured before a search is paid for: `effspine proxy-check`.

`study` says what is trained, `running` trains it with an executor, `results` is the file of results, `findings`
computes the figures with `statistics`, `verdict` compares them with thresholds; `document`, `tables` and `plot` present
them.
"""
