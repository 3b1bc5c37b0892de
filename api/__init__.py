"""REST API, event stream, dashboard, client and command line. Imports neither TensorFlow nor Ray."""
