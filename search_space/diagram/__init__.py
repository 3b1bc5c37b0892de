"""The block diagram of an architecture: where everything lies, how edges run, and the drawing as SVG."""
