"""Real servers behind the sandbox's datastores (`sandbox --engines`). docs/local-cloud.md says what they do.

`backend.Servers` implements the port `sandbox.backing`. Each engine is a module with one class for one server; what they share is
a folder, addresses, a certificate and an account (`site.Site`), and processes that end with the sandbox (`processes`).
Nothing here is imported by a sandbox without engines; the drivers come with the extra `engines`.
"""
