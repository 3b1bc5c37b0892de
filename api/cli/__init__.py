"""The command `effspine` and its subcommands: parse, call one function, print."""
