"""The command `effspine`; each subcommand parses its options, calls one function and prints the result."""
