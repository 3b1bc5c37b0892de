"""The dashboard: page shells (Jinja2), styles and scripts, all served from here without a build step."""
