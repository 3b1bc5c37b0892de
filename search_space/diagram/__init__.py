"""The block diagram of an architecture: layout, edge routing, and drawing as SVG."""
