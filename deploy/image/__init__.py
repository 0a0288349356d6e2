"""How the operator's image is made. `python -m image` (`make image`) runs on the machine, the rest inside of the build."""
