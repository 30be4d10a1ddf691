"""Painterly and graded looks, made on this machine without a model."""
