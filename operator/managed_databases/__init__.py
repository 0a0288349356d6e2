"""A Kubernetes operator for a cloud's Managed Databases API (v1)."""
