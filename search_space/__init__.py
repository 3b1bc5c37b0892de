"""What can be built and what it costs: topology, network, search space, proxy tasks. Without TensorFlow."""
