"""Every rule that is broken by `make mutants`, in the order of what is at stake."""

from typing import Final

from mutants.mutant import Mutant
from mutants.pinned_rules import PINNED

_DECIDE = ("reconcile/decision",)
_GUARDS = ("virtual/test_guards.py",)
_SECRETS = ("virtual/test_guards_of_secrets.py",)
_OF_PASSWORDS = ("virtual/test_passwords.py",)
_SNAPSHOT = (
    "reconcile/project/test_collection_snapshot.py",
    "reconcile/project/test_collection_snapshot_history.py",
)
_LEADERSHIP = ("kube/test_leadership.py",)
_CACHE = ("kube/test_cache.py",)

_CREATION: Final = (
    Mutant(
        "a creation waits for a list begun after the wait of the attempt before",
        "reconcile/observe.py",
        "if found.snapshot.last_list_begun is not None and found.snapshot.last_list_begun >= over:",
        "if True:",
        _GUARDS,
    ),
    Mutant(
        "a process that did not see an attempt end waits its whole time",
        "reconcile/observe.py",
        "memory.attempt, memory.settle_from = attempt, self.clock.monotonic()",
        "memory.attempt, memory.settle_from = attempt, self.clock.monotonic() - wait",
        _GUARDS,
    ),
    Mutant(
        "the wait begins again when a call ends",
        "reconcile/act.py",
        "        finally:\n            memory.settle_from = self.clock.monotonic()",
        "        finally:\n            pass",
        _GUARDS,
    ),
    Mutant(
        "the finalizer is there before anything is made",
        "reconcile/act.py",
        "        await self._hold(found)\n        if shown.reason",
        "        if shown.reason",
        _GUARDS,
    ),
    Mutant(
        "the intent is written before the POST",
        "reconcile/act.py",
        "await self.writer.write(found, shown, facts)\n        # Until",
        "# Until",
        _GUARDS,
    ),
    Mutant(
        "a key is claimed before anything is written",
        "reconcile/reconciler.py",
        "if not self.actor.claim(found, verdict):",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a list is looked at before a first creation",
        "reconcile/observe.py",
        "return begun is not None and begun >= memory.absent_since",
        "return True",
        _GUARDS,
    ),
    Mutant(
        "nothing is created before the first list",
        "reconcile/decision/decide.py",
        "    if not seen.listed:\n        return seen.unlisted or",
        "    if False:\n        return seen.unlisted or",
        _DECIDE,
    ),
    Mutant(
        "ids that were known before an attempt are no candidates",
        "reconcile/decision/candidates.py",
        "namesake.id not in intent.others and not",
        "not",
        _DECIDE,
    ),
    Mutant(
        "a candidate equals the intent in all that never changes",
        "reconcile/decision/candidates.py",
        "and not fields_that_differ(intent.expected, cloud.expected_of(namesake))",
        "",
        _DECIDE,
    ),
    Mutant(
        "of several candidates none is taken",
        "reconcile/decision/decide.py",
        "    if len(found) == 1:\n        return _recorded(",
        "    if found:\n        return _recorded(",
        _DECIDE,
    ),
    Mutant(
        "a key that an older resource claims is not created again",
        "reconcile/decision/decide.py",
        "    if seen.rival is not None:",
        "    if False:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not created again",
        "reconcile/decision/decide.py",
        "for _, holder in sorted(seen.held_namesakes.items()):",
        "for _, holder in ():",
        _DECIDE,
    ),
    Mutant(
        "the older resource holds what two want",
        "reconcile/claims.py",
        "return min(keys, key=lambda key: self._entries[key].age, default=None)",
        "return max(keys, key=lambda key: self._entries[key].age, default=None)",
        ("reconcile/test_claims.py",),
    ),
    Mutant(
        "what is gone with its data is not made again unasked",
        "reconcile/decision/decide.py",
        "if cloud.holds_data and seen.annotations.get(RECREATE) != id_:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "a cloud object in ERROR is not made again",
        "reconcile/decision/decide.py",
        'if phase == "ERROR":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "what our own POST answered is ours",
        "reconcile/decision/decide.py",
        "    if seen.created_id is not None:\n        return _recorded",
        "    if False:\n        return _recorded",
        _DECIDE,
    ),
)

_OWNERSHIP: Final = (
    Mutant(
        "nothing is adopted unless the spec says so",
        "reconcile/decision/decide.py",
        'if seen.cloud_spec.adoption == "Never":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "nothing is adopted without the power to",
        "reconcile/decision/decide.py",
        'if seen.project is None or "adopt" not in seen.project.powers:',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "what differs in what can never change is not adopted",
        "reconcile/decision/decide.py",
        "if differing := fields_that_differ(expected, actual):",
        "if differing := []:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not changed",
        "reconcile/decision/decide.py",
        "    if seen.holder is not None:\n        return Stall(Reason.CONFLICT",
        "    if False:\n        return Stall(Reason.CONFLICT",
        _DECIDE,
    ),
    Mutant(
        "a pinned identity is compared with the project in each pass",
        "reconcile/observe.py",
        "if pinned is not None and (pinned.project_id, pinned.region) != actual:",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "a namespace that the project does not allow does nothing",
        "reconcile/observe.py",
        "if powers is None and not (found.seen.deleting and status.identity is not None):",
        "if False:",
        _GUARDS,
    ),
    Mutant(
        "another namespace's datastore needs its permission",
        "reconcile/references.py",
        'return asker.key.namespace in (getattr(self.spec_of(kind, holder), "allowed_namespaces", None) or ())',
        "return True",
        _GUARDS,
    ),
    Mutant(
        "a datastore that nobody holds needs the power to adopt",
        "reconcile/references.py",
        '"adopt" in project.powers if holder is None',
        "True if holder is None",
        _GUARDS,
    ),
    Mutant(
        "a disruptive change of an adopted object is approved by a person",
        "reconcile/decision/differences.py",
        "if change.risk < Risk.RESTART or not (seen.status.adopted or by_policy):",
        "if True:",
        _DECIDE,
    ),
)

_DELETION: Final = (
    Mutant(
        "what is protected is not deleted",
        "reconcile/decision/deletion.py",
        "if cloud.protected(seen) and not (parent is not None and parent.going):",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "an object that another resource holds is not deleted",
        "reconcile/decision/deletion.py",
        "    if seen.holder is not None:\n        return Release(",
        "    if False:\n        return Release(",
        _DECIDE,
    ),
    Mutant(
        "Retain keeps the cloud object",
        "reconcile/decision/deletion.py",
        'if seen.status.id is not None and seen.cloud_spec.deletion_policy == "Retain":',
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "a datastore waits for what is in it",
        "reconcile/decision/deletion.py",
        "    if seen.children:",
        "    if False:",
        _DECIDE,
    ),
    Mutant(
        "an attempt of unknown outcome is looked for before a resource is let go",
        "reconcile/decision/deletion.py",
        "if seen.settle_seconds is not None or not seen.listed:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "the finalizer stays until the cloud object is gone",
        "reconcile/decision/deletion.py",
        "    if seen.mine is None or seen.mine_unsure:\n        return Wait(",
        "    if seen.mine is None or seen.mine_unsure:\n        return Release(",
        _DECIDE,
    ),
    Mutant(
        "in a deletion the pinned key counts",
        "reconcile/observe.py",
        "(seen.deleting or (status.id is None",
        "((status.id is None",
        _GUARDS,
    ),
)

_PASSWORDS: Final = (
    Mutant(
        "an existing password is used again",
        "reconcile/act.py",
        "password = view.given or view.password or view.pending or passwords.generate()",
        "password = view.given or passwords.generate()",
        _SECRETS,
    ),
    Mutant(
        "the Secret is written before the user is made",
        "reconcile/act.py",
        "        password = await self._first_password(found, secrets, memory)\n"
        "        call = found.cloud.collection.create(found.cloud.body(found.seen, password))",
        "        password = passwords.generate() if found.seen.credential else None\n"
        "        call = found.cloud.collection.create(found.cloud.body(found.seen, password))",
        _SECRETS,
    ),
    Mutant(
        "a pending password is sent before the Secret is switched",
        "reconcile/decision/passwords.py",
        "        if not view.pending_sent:",
        "        if False:",
        _DECIDE,
    ),
    Mutant(
        "a pending password is used again, never generated again",
        "reconcile/decision/passwords.py",
        "    if view.pending is not None:\n",
        "    if view.pending is not None and view.pending_sent:\n",
        _DECIDE,
    ),
    Mutant(
        "an object whose password nobody knows is not taken over silently",
        "reconcile/decision/passwords.py",
        "if view.given is None and view.password is None and view.pending is None and not resets:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "a Secret that belongs to something else is not touched",
        "reconcile/secret_ownership.py",
        "        if secret is None or is_ours(resource, secret):\n            return None\n        ids",
        "        if True:\n            return None\n        ids",
        _SECRETS,
    ),
    Mutant(
        "a retained Secret goes with its object only",
        "reconcile/secret_ownership.py",
        "and secret.annotations.get(OBJECT_ID) in ids - {None}:",
        ":",
        _SECRETS,
    ),
    Mutant(
        "only an own Secret is let go",
        "reconcile/act.py",
        "if secret is None or not is_ours(found.resource, secret):",
        "if secret is None:",
        _SECRETS,
    ),
    Mutant(
        "Retain keeps the Secret",
        "reconcile/act.py",
        "        if retain:\n",
        "        if False:\n",
        _SECRETS,
    ),
    Mutant(
        "a retained Secret has no owner that garbage collection would follow",
        "reconcile/credentials.py",
        'owner=resource if found.seen.cloud_spec.deletion_policy == "Delete" else None,\n        drops=OPTIONAL_KEYS,',
        "owner=resource,\n        drops=OPTIONAL_KEYS,",
        _SECRETS,
    ),
    Mutant(
        "a Secret that was left behind is taken over only with a valid check of its password",
        "reconcile/secret_ownership.py",
        "return check == check_number(owner, password) and owner not in self.living_uids()",
        "return owner not in self.living_uids()",
        _OF_PASSWORDS,
    ),
    Mutant(
        "a living resource's Secret is not taken over",
        "reconcile/secret_ownership.py",
        "return check == check_number(owner, password) and owner not in self.living_uids()",
        "return check == check_number(owner, password)",
        _OF_PASSWORDS,
    ),
    Mutant(
        "an edited password is not believed",
        "reconcile/credentials.py",
        "return password if check in (None, check_number(owner, password)) else None",
        "return password",
        _SECRETS,
    ),
)

_SNAPSHOTS: Final = (
    Mutant(
        "a list begun before an answer does not overwrite it",
        "reconcile/project/collection_snapshot.py",
        "if self._learned.get(object_.id, 0) < token and not",
        "if not",
        _SNAPSHOT,
    ),
    Mutant(
        "a list that loses much is suspect",
        "reconcile/project/collection_snapshot.py",
        "if len(lost) > max(_LOSS_THAT_IS_NORMAL, _SHARE_THAT_IS_NORMAL * len(self._objects)):",
        "if False:",
        _SNAPSHOT,
    ),
    Mutant(
        "what a list does not show is uncertain, not gone",
        "reconcile/project/collection_snapshot.py",
        "        self._dirty |= unseen\n",
        "        self._gone |= unseen\n",
        _SNAPSHOT,
    ),
    Mutant(
        "after an unknown outcome an object is uncertain",
        "reconcile/project/collection_snapshot.py",
        "        self._dirty.add(id_)\n",
        "",
        _SNAPSHOT,
    ),
    Mutant(
        "an old list does not follow a newer one",
        "reconcile/project/collection_snapshot.py",
        "        if token < self._newest_list:\n            return Delta()\n",
        "",
        _SNAPSHOT,
    ),
)

_LEADERS: Final = (
    Mutant(
        "nothing is written to Kubernetes without the lease",
        "kube/leadership.py",
        "        if not self.is_held():\n",
        "        if False:\n",
        _LEADERSHIP,
    ),
    Mutant(
        "no call that changes something is begun without the lease",
        "kube/operator.py",
        "        if self._leadership and call.mutates:\n",
        "        if False:\n",
        ("kube/test_lease_before_send.py",),
    ),
    Mutant(
        "the own lease counts from before the renewal was sent",
        "kube/leadership.py",
        "        self._held_since = sent\n",
        "        self._held_since = self._now()\n",
        _LEADERSHIP,
    ),
    Mutant(
        "the larger of boot time and wall clock counts for the own lease",
        "kube/leadership.py",
        "return max(later.boot - self.boot, later.wall - self.wall)",
        "return min(later.boot - self.boot, later.wall - self.wall)",
        _LEADERSHIP,
    ),
    Mutant(
        "another's lease is waited for as long as it lasts",
        "kube/leadership.py",
        "return boot - self._others.boot > lasts_seconds",
        "return True",
        _LEADERSHIP,
    ),
    Mutant(
        "whoever lost the lease ends",
        "kube/leadership.py",
        "            self._held_since = None\n            raise LeadershipLost(f\"the lease is held by {_holder(lease) or 'nobody'}\")\n",
        "            return False\n",
        _LEADERSHIP,
    ),
    Mutant(
        "a released lease is not held any more",
        "kube/leadership.py",
        "            not self._released\n            and self._held_since",
        "            self._held_since",
        _LEADERSHIP,
    ),
    Mutant(
        "the cache never goes back",
        "kube/cache.py",
        "return known is None or version > int(known.resource_version)",
        "return True",
        _CACHE,
    ),
    Mutant(
        "what is known to be deleted does not come back",
        "kube/cache.py",
        "        if version <= self._graves.get(uid, -1):\n            return False\n",
        "",
        _CACHE,
    ),
    Mutant(
        "a deletion counts for the same uid only",
        "kube/cache.py",
        "if known is None or known.uid != uid:",
        "if known is None:",
        _CACHE,
    ),
    Mutant(
        "every status write carries the resourceVersion that was seen",
        "kube/writing.py",
        '        metadata = {"resourceVersion": resource.resource_version}\n'
        '        return await self._patch_resource(resource, "/status", {"metadata": metadata, "status": difference})',
        '        return await self._patch_resource(resource, "/status", {"metadata": {}, "status": difference})',
        _GUARDS,
    ),
)

MUTANTS: Final = (*_CREATION, *PINNED, *_OWNERSHIP, *_DELETION, *_PASSWORDS, *_SNAPSHOTS, *_LEADERS)
