"""The effective name of a cloud object: `spec.name`, or else `metadata.name`. Nothing is ever translated."""

from managed_databases.kinds.observed import Observed
from managed_databases.kinds.schema import Rule
from managed_databases.kinds.verdicts import Reason, Stall

SQL_NAME_MESSAGE = "letters, digits and _ only, the first not a digit: set spec.name"


def effective_name(observed: Observed) -> str:
    """Return the name in the cloud, without a project's prefix."""
    return observed.spec.stated_name or observed.name


def prefixed_name(observed: Observed) -> str:
    """Return the name in the cloud of an object that is in no datastore: with the project's prefix at the time of its creation,
    or, before the creation, with the prefix of now.
    """
    return observed.name_prefix + effective_name(observed)


def name_problem(observed: Observed) -> Stall | None:
    """Return why this namespace may not give a new datastore or metrics token this name; None if it may."""
    prefixes = observed.project.name_prefixes if observed.project else ()
    if not prefixes or effective_name(observed).startswith(prefixes):
        return None
    told = " or ".join(prefixes)
    return Stall(
        Reason.NAME_NOT_ALLOWED,
        f"names of this namespace in the DatabaseProject must begin with {told}: set spec.name to such a one, or have the "
        "namePrefix in its allowedNamespaces changed",
    )


def name_rule(pattern: str, message: str) -> Rule:
    """Return a rule for the root of a CRD's schema: the effective name must match the API's pattern (RE2, anchored)."""
    return Rule(f"{_effective('self')}.matches('{pattern}')", message)


def name_stays(message: str) -> Rule:
    """Return a rule for the root of a CRD's schema: the effective name never changes. If neither spec has a name, two `has` are
    enough; metadata.name is the same in both.
    """
    cel = (
        f"has(self.spec.name) ? self.spec.name == {_effective('oldSelf')} : "
        "!has(oldSelf.spec.name) || oldSelf.spec.name == self.metadata.name"
    )
    return Rule(cel, message)


def _effective(root: str) -> str:
    return f"(has({root}.spec.name) ? {root}.spec.name : {root}.metadata.name)"
