"""What runs trials: executors (Ray, in this process), the worker with its logs and checkpoints. Knows no database."""
