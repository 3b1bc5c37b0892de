"""The dashboard: page templates (Jinja2), styles and scripts, served without a build step."""
