"""The routes of the service, one concept a file."""
