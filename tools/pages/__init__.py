"""The dashboard's pages in a real browser: how fast they are, and what they look like."""
