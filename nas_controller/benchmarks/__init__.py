"""What measures the control plane: `effspine bench control-plane` and `fill`."""
