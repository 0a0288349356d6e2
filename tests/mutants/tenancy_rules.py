"""Nobody gets, by what he may write, what he may not have: credentials, other people's data, a hold on their things."""

from typing import Final

from mutants.mutant import Mutant

_ACCESS = ("reconcile/project/test_project_credentials.py",)
_ENDPOINTS = ("reconcile/project/test_addresses.py",)
_PROJECTS = ("reconcile/project/test_projects.py",)
_KEEPS = ("virtual/test_who_keeps_a_datastore.py",)
_GUESTS = ("virtual/test_guests.py",)
_CATALOGUES = ("reconcile/catalogues/test_wanted.py",)
_KEPT_CATALOGUES = ("reconcile/catalogues/test_catalogue_keeper.py",)
_FAILING_CATALOGUES = ("reconcile/catalogues/test_failed_tries.py",)
_ADDRESSES = "reconcile/project/addresses.py"

TENANCY: Final = (
    Mutant(
        "only a namespace that a project lets in is told what it offers",
        "reconcile/catalogues/wanted.py",
        "                if powers is None or not self._may_have(namespace):",
        "                powers = powers or frozenset()\n                if not self._may_have(namespace):",
        _CATALOGUES,
    ),
    Mutant(
        "a namespace that loses its permission loses its catalogue",
        "reconcile/catalogues/catalogue_keeper.py",
        "        await self._undeleted.each(unwanted, self._delete)\n",
        "",
        _KEPT_CATALOGUES,
    ),
    Mutant(
        "while a project's spec cannot be read its catalogues stay",
        "reconcile/catalogues/wanted.py",
        "        return project in self._untold",
        "        return False",
        _CATALOGUES,
    ),
    Mutant(
        "what is refused elsewhere delays no deletion of a catalogue",
        "reconcile/catalogues/catalogue_keeper.py",
        "                await self._clock.wait(self._asked, self._clock.monotonic() + seconds)",
        "                await self._clock.sleep(seconds)",
        _FAILING_CATALOGUES,
    ),
    Mutant(
        "a catalogue whose write had no answer may be there, and is deleted",
        "reconcile/catalogues/catalogue_keeper.py",
        "        self._kept[key] = _Kept(UNKNOWN, 0, self._clock.monotonic())\n",
        "        return\n",
        _FAILING_CATALOGUES,
    ),
    Mutant(
        "a catalogue tells what is left of a quota, not what others use",
        "kinds/offer.py",
        "left=rounded_down(line.left)",
        "left=rounded_down(line.used)",
        ("kinds/test_offer.py",),
    ),
    Mutant(
        "what the Secret says of its identity service and endpoint wins over the spec",
        _ADDRESSES,
        "    if in_secret:\n",
        "    if in_secret and in_spec is None:\n",
        _ACCESS,
    ),
    Mutant(
        "an address that only the spec says is not believed",
        _ADDRESSES,
        "    if in_spec is None or trusts_spec:",
        "    if True:",
        _ACCESS,
    ),
    Mutant(
        "an endpoint that only the spec says has to be in the catalogue",
        _ADDRESSES,
        "    if stated is not None and not any(",
        "    if False and not any(",
        _ENDPOINTS,
    ),
    Mutant(
        "credentials do not cross the network as they are",
        _ADDRESSES,
        "    if not _is_plain(address) or _is_local(address) or allows_insecure(secret):",
        "    if True:",
        _ACCESS,
    ),
    Mutant(
        "a catalogue does not lead out of TLS",
        _ADDRESSES,
        "    if identity_url is not None and not _is_plain(identity_url) and _is_plain(identity.endpoint):",
        "    if False:",
        _ENDPOINTS,
    ),
    Mutant(
        "a Secret that names its projects is for no other",
        _ADDRESSES,
        "    if stated is None or project in {",
        "    if True or project in {",
        _ACCESS,
    ),
    Mutant(
        "the endpoint is judged before the token is used",
        "reconcile/project/connector.py",
        "            if problem is None and opening.secret is not None:",
        "            if False:",
        _PROJECTS,
    ),
    Mutant(
        "a resource keeps no datastore in which it has nothing",
        "reconcile/observe/inside.py",
        "        if identity is None or (identity.project_id, identity.region, identity.datastore_id) != here:\n"
        "            return False",
        "        if identity is None:\n            return True",
        _KEEPS,
    ),
    Mutant(
        "what a stranger only says to have keeps no datastore",
        "reconcile/observe/inside.py",
        "        if not is_allowed and not self.owners.counts(child.key):\n            return False\n",
        "",
        _KEEPS,
    ),
    Mutant(
        "an attempt keeps a datastore only where its namespace may be",
        "reconcile/observe/inside.py",
        "            return is_allowed and child.told.has_intent",
        "            return child.told.has_intent",
        _KEEPS,
    ),
    Mutant(
        "an open attempt keeps a datastore",
        "reconcile/observe/inside.py",
        "            return is_allowed and child.told.has_intent",
        "            return False",
        _KEEPS,
    ),
    Mutant(
        "the owner of a datastore learns nothing of namespaces that may not be in it",
        "reconcile/observe/inside.py",
        "        if is_allowed:\n            return str(child.key)",
        "        if True:\n            return str(child.key)",
        _KEEPS,
    ),
    Mutant(
        "a Secret is given only where it says so",
        "reconcile/act/given_passwords.py",
        "        if secret.labels.get(MANAGED_LABEL) == GIVEN:",
        "        if True:",
        _GUESTS,
    ),
    Mutant(
        "a guest restores no backup unless the owner lets him",
        "reconcile/observe/resolved_references.py",
        "        if rights is None or reference.guest_may(rights):",
        "        if True:",
        _GUESTS,
    ),
    Mutant(
        "a guest refers only to databases that the owner shares",
        "reconcile/observe/resolved_references.py",
        "        return namespace in spec.allowed_namespaces and holder.key.name in spec.rights_of(namespace).databases",
        "        return namespace in spec.allowed_namespaces",
        _GUESTS,
    ),
    Mutant(
        "a guest gets access to topics of his prefix only",
        "kinds/kafka_acl.py",
        '    if prefix and spec.pattern_type != ALL and (spec.pattern or "").startswith(prefix):',
        "    if prefix and spec.pattern_type != ALL:",
        ("kinds/test_kafka_acl.py",),
    ),
    Mutant(
        "without a prefix a guest has no access rules",
        "kinds/kafka_acl.py",
        "    if rights is None:",
        "    if rights is None or not rights.topic_prefix:",
        ("kinds/test_kafka_acl.py",),
    ),
    Mutant(
        "a guest's topics have his prefix",
        "kinds/kafka_topic.py",
        "    if rights is not None and rights.topic_prefix and not effective_name(observed).startswith(rights.topic_prefix):",
        "    if False:",
        ("kinds/test_kafka_topic.py",),
    ),
    Mutant(
        "what is asked inline takes the right to create it",
        "kube/inline_guard.py",
        '        "expression": f"{asks_nothing} || ({is_unchanged}) || {may}",',
        '        "expression": f"{asks_nothing} || ({is_unchanged}) || {may} || true",',
        ("kube/test_inline_guard.py",),
    ),
    Mutant(
        "a role that reaches every database takes the right to create grants",
        "kube/inline_guard.py",
        '    "roles": ("DatabaseGrant", "lets the user into every database of the datastore"),\n',
        "",
        ("kube/test_inline_guard.py",),
    ),
    Mutant(
        "a guest's users have only the roles that the datastore's owner lets them have",
        "kinds/user_roles.py",
        "    if rights is not None and (refused := sorted(set(names) - set(rights.roles))):",
        "    if False and (refused := []):",
        ("kinds/test_user_roles.py",),
    ),
    Mutant(
        "a user's roles are taken back only if the operator has given them",
        "kinds/user_roles.py",
        "    lost = {id_: names[id_] for id_ in has if names.get(id_) in given}",
        "    lost = {id_: names[id_] for id_ in has if id_ in names} if given else {}",
        ("kinds/test_user_roles.py",),
    ),
    Mutant(
        "to take a role away is a change that interrupts",
        "kinds/user_roles.py",
        "        Risk.ONLINE if set(user.roles) <= set(wanted) else Risk.RESTART,",
        "        Risk.ONLINE,",
        ("kinds/test_user_roles.py",),
    ),
    Mutant(
        "what was sent is still wanted while it is not known what is on offer",
        "kinds/user_attributes.py",
        "    return wanted if is_known else {**observed.status.applying, **wanted}",
        "    return wanted",
        ("kinds/test_user_roles.py",),
    ),
)
