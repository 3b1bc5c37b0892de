"""Measures, before a search, whether a proxy task's reward can guide it: `effspine proxy-check`.

`study` plans the trainings, `running` runs them with an executor, `results` stores their results, `findings` computes
the estimates with `statistics`, `verdict` compares them with thresholds; `document`, `tables` and `plot` present them.
`widths_file` and `truth_file` read architectures and a truth table, which `truth` assesses.
"""
