"""Benchmarks of the control plane: `effspine bench control-plane` and `effspine bench fill`."""
