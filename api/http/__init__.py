"""The service over HTTP: routes, access control, conditional requests, problem documents."""
