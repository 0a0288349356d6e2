"""`make docs`: the documentation site, made of the repository's own pages."""
