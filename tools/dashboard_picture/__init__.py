"""Draws the Grafana dashboard of the chart with what a Prometheus answers: what `docs/pictures` has."""
