"""Logs in to a database once, as an application would, and says what came of it. Knows neither kinds nor Kubernetes.

The drivers are loaded by the first probe of their engine: a process without probes never has them in memory.
"""

from managed_databases.probe.attempt import LIMIT_SECONDS, attempt
from managed_databases.probe.login import Login, Outcome, ProbeAnswer

__all__ = ["LIMIT_SECONDS", "Login", "Outcome", "ProbeAnswer", "attempt"]
