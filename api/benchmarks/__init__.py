"""What measures the service: `effspine bench load`."""
