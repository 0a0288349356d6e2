"""`make release`: builds and checks all that a release publishes, into one folder. `make version` writes a version everywhere."""
