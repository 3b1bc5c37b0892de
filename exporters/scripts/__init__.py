"""Scripts that are copied into exports. They need nothing of effspine."""
