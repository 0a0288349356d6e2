"""Records a command in a terminal: what `docs/sessions` has."""
