"""Services belong to the resource that asks for them, and nobody else's is touched."""

from typing import Final

from mutants.mutant import Mutant

_FILE = "reconcile/keepers/service_keeper.py"
_VIRTUAL = ("virtual/test_services.py",)

SERVICES: Final = (
    Mutant(
        "a Service of others is never written over",
        _FILE,
        "if there is not None and not is_own(resource, there):",
        "if False:",
        _VIRTUAL,
    ),
    Mutant(
        "a Service of others is never deleted, whatever a status says",
        _FILE,
        "if there is not None and is_own(resource, there):",
        "if there is not None:",
        _VIRTUAL,
    ),
    Mutant(
        "the annotation of another owner goes before everything",
        _FILE,
        "return resource.uid in there.owner_uids if there.owner is None else there.owner == resource.uid",
        "return resource.uid in there.owner_uids or there.owner is not None",
        _VIRTUAL,
    ),
    Mutant(
        "the status names a Service before it is made",
        _FILE,
        "if {one.name for one in known.wish.wanted} <= {*resource.told.services}:",
        "if True:",
        _VIRTUAL,
    ),
    Mutant(
        "paused means that no Service is written",
        _FILE,
        'if observed.annotations.get(PAUSED) == "true":',
        "if False:",
        _VIRTUAL,
    ),
    Mutant(
        "a fight about a Service has an end",
        _FILE,
        "if one.name in known.right and not known.fights.may_correct(one.name, self._clock.monotonic()):",
        "if False:",
        _VIRTUAL,
    ),
    Mutant(
        "a Service leads only where the API says, and never where a Secret says",
        "kinds/managed_datastore.py",
        'if spec is None or datastore is None or not datastore.tells("connection"):',
        "if spec is None or datastore is None:",
        ("kinds/test_datastore_service.py",),
    ),
    Mutant(
        "an IP address gets no Service",
        "kinds/datastore_service.py",
        "return Services(tuple(one for one in asked if not is_ip(one.host)), problem if of_ips else None)",
        "return Services(asked, problem if of_ips else None)",
        ("kinds/test_datastore_service.py",),
    ),
)
