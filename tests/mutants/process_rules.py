"""What is known of cloud and cluster, and who may act on it."""

from typing import Final

from mutants.mutant import Mutant

_GUARDS = ("virtual/test_guards.py",)
_SNAPSHOT = (
    "reconcile/project/test_collection_snapshot.py",
    "reconcile/project/test_collection_snapshot_history.py",
)
_LEADERSHIP = ("kube/test_leadership.py",)
_CLOCKS = ("kube/test_lease_clocks.py",)
_LOST_LEASES = ("kube/test_lost_leases.py",)
_CACHE = ("kube/test_cache.py",)
_RESTORED = ("kube/test_restored_history.py",)

SNAPSHOTS: Final = (
    Mutant(
        "a list begun before an answer does not overwrite it",
        "reconcile/project/collection_snapshot.py",
        "                self._learned.get(object_.id, 0) < token\n                and not",
        "                not",
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

LEADERS: Final = (
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
        "        if call.mutates:\n",
        "        if False:\n",
        ("kube/test_lease_before_send.py",),
    ),
    Mutant(
        "the own lease counts from before the renewal was sent",
        "kube/leadership.py",
        "        self._held_since = sent\n",
        "        self._held_since = self._now()\n",
        _CLOCKS,
    ),
    Mutant(
        "the larger of boot time and wall clock counts for the own lease",
        "kube/leadership.py",
        "return max(later.boot - self.boot, later.wall - self.wall)",
        "return min(later.boot - self.boot, later.wall - self.wall)",
        _CLOCKS,
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
        "            self._held_since = None\n"
        "            raise LeadershipLost(f\"the lease is held by {_holder(lease) or 'nobody'}\")\n",
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
        "        if version <= self._tombstones.get(uid, -1):\n            return False\n",
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
        "after an outage of the API server all is listed anew",
        "kube/kopf_bridge/watch_transport.py",
        "if response.status == 200 and watches and flow.was_away:",
        "if False:",
        _RESTORED,
    ),
    Mutant(
        "an older list than what the watch has told ends the process",
        "kube/informers.py",
        "if int(list_version) >= newest and not any(",
        "if not any(",
        _RESTORED,
    ),
    Mutant(
        "the refusal of an admission is one, whatever its code",
        "kube/refusals.py",
        "if any(words in message for words in ADMISSION_REFUSES):",
        "if False:",
        ("kube/test_kubernetes_answers.py",),
    ),
    Mutant(
        "every status write carries the resourceVersion that was seen",
        "kube/writing.py",
        '        metadata = {"resourceVersion": resource.resource_version}\n'
        '        return await self._patch_resource(resource, "/status", {"metadata": metadata, "status": difference})',
        '        return await self._patch_resource(resource, "/status", {"metadata": {}, "status": difference})',
        _GUARDS,
    ),
    Mutant(
        "a Lease without a holder that nobody has released is waited out",
        "kube/leadership.py",
        "if holder != self._identity and not _is_released(lease):",
        'if holder not in ("", self._identity):',
        _LOST_LEASES,
    ),
    Mutant(
        "whoever makes a Lease that was deleted leads only later",
        "kube/leadership.py",
        "            return await self._create(is_new=True)",
        "            return await self._create(is_new=self._others is None)",
        _LOST_LEASES,
    ),
)
