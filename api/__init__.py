"""REST, live events, dashboard, client and command line. Imports no TensorFlow and no Ray."""
