"""Dashboards as code: one for each question of whoever runs Langfuse."""
