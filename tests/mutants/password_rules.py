"""Never a lost password, and no Secret that is another's."""

from typing import Final

from mutants.mutant import Mutant

_DECIDE = ("reconcile/decide",)
_SECRETS = ("virtual/test_guards_of_secrets.py",)
_TOLD_ONCE = ("virtual/test_told_only_once.py",)
_RESTORED = ("virtual/test_restored_secrets.py",)
_SET_BACK = ("virtual/test_secrets_set_back.py",)
_MEANWHILE = ("virtual/test_a_password_meanwhile.py",)

_REFUSED = ("virtual/test_refused_passwords.py",)

_BEGINS = ("virtual/test_changes_that_cannot_begin.py",)

_ROTATION = ("virtual/test_password_rotation.py",)

_HALF_WAY = ("virtual/test_passwords_half_way.py",)

_AT_WORK = ("virtual/test_secrets_while_at_work.py",)

PASSWORDS: Final = (
    Mutant(
        "only the call of a changed password waits for the datastore's work",
        "reconcile/decide/decide.py",
        "if step.step in _NEED_A_CALL else step",
        "if step else step",
        _AT_WORK,
    ),
    Mutant(
        "a given password is put back unseen only where the status proves it",
        "reconcile/act/password_view.py",
        "is_newest and not current.observed.status.password_unconfirmed",
        "is_newest or True",
        _AT_WORK,
    ),
    Mutant(
        "a password that the cloud took and failed to set is sent again",
        "reconcile/act/password_view.py",
        "        memory.work_has_failed()\n",
        "        pass\n",
        _HALF_WAY,
    ),
    Mutant(
        "a login in doubt is not Ready, also where nothing can be seen",
        "reconcile/report/status.py",
        "is_unseen = is_unseen and not observed.status.password_unconfirmed",
        "pass",
        _HALF_WAY,
    ),
    Mutant(
        "what the cloud has gets into the Secret without the given password",
        "reconcile/decide/password_steps.py",
        "(_without_given(observed, view) if view.only_given_lacks else None) or view.problem",
        "view.problem",
        _HALF_WAY,
    ),
    Mutant(
        "a password that is taken back is no answer to the wish for a new one",
        "reconcile/decide/password_steps.py",
        "view.is_due is not None and view.pending_is_given:",
        "False:",
        _HALF_WAY,
    ),
    Mutant(
        "at rest a refusal shows no password either",
        "reconcile/reconciler.py",
        "        await mask_password(self.kube, current, error)\n",
        "",
        ("virtual/test_passwords_of_other_calls.py",),
    ),
    Mutant(
        "a change that is due begins only where the Secret opens for certain",
        "reconcile/decide/password_steps.py",
        "view.is_due is None or not view.may_begin or observed.is_password_in_doubt",
        "view.is_due is None or not view.may_begin",
        ("reconcile/decide/test_password_steps.py",),
    ),
    Mutant(
        "a pending password that is due is not given up",
        "reconcile/decide/password_steps.py",
        "view.given is None and view.password is not None and view.is_due is None",
        "view.given is None and view.password is not None",
        ("reconcile/decide/test_password_steps.py",),
    ),
    Mutant(
        "a change that a process did not live to tell is not made twice",
        "reconcile/act/password_change.py",
        "self._known(current, view.password) | self._changed_since(current, view.password)",
        "self._known(current, view.password)",
        ("reconcile/act/test_password_change.py",),
    ),
    Mutant(
        "a date counts only for the plan that it was made of",
        "kinds/password_rotation.py",
        "rotation is None or status is None or status.plan != rotation.plan",
        "rotation is None or status is None",
        ("kinds/test_password_rotation.py",),
    ),
    Mutant(
        "the password of a person is not changed by dates",
        "reconcile/act/rotation_times.py",
        " and credential.given(current.observed.spec) is None",
        "",
        _ROTATION,
    ),
    Mutant(
        "a change of password that cannot begin leaves Ready as it is",
        "reconcile/report/status.py",
        "        and not only_no_change\n",
        "",
        _BEGINS,
    ),
    Mutant(
        "a change of password begins only with a pending Secret of its own",
        "reconcile/decide/password_steps.py",
        "return view.no_change if begins and view.no_change is not None else step",
        "return step",
        _BEGINS,
    ),
    Mutant(
        "while a password is in doubt, the Secret alone does not count",
        "reconcile/act/credentials.py",
        "status.id is not None and not current.observed.status.password_unconfirmed",
        "status.id is not None",
        ("reconcile/act/test_credentials.py",),
    ),
    Mutant(
        "a password that nothing vouches for is sent once more",
        "kinds/observed.py",
        "(view is not None and (view.is_unvouched or view.is_set_back))",
        "(view is not None and view.is_set_back)",
        _DECIDE,
    ),
    Mutant(
        "a Secret that was set back is not believed",
        "reconcile/act/password_view.py",
        "return newest is not None and newest not in checks",
        "return False",
        _SET_BACK,
    ),
    Mutant(
        "before a Secret's password is sent again, the status says that it is in doubt",
        "reconcile/act/password_change.py",
        "await self.writer.write(current, shown, Facts(password_unconfirmed=True))\n                memory",
        "await self.writer.write(current, shown)\n                memory",
        _SET_BACK,
    ),
    Mutant(
        "before a new password is sent, the status says that the Secret's one is in doubt",
        "reconcile/act/password_change.py",
        "                await self.writer.write(current, shown, Facts(password_unconfirmed=True))\n"
        "                await self._send_pending",
        "                await self.writer.write(current, shown)\n                await self._send_pending",
        _SET_BACK,
    ),
    Mutant(
        "a status that says that nothing is in doubt proves that no pending password was sent",
        "reconcile/act/password_view.py",
        "if pending is not None and not memory.may_have_sent and _says_that_nothing_is_in_doubt(current):",
        "if False:",
        _REFUSED,
    ),
    Mutant(
        "a status that says that the password is in doubt proves nothing of a pending one",
        "reconcile/act/password_view.py",
        "return status.password_check is not None and not status.password_unconfirmed",
        "return status.password_check is not None",
        _REFUSED,
    ),
    Mutant(
        "nor does a status of an earlier version",
        "reconcile/act/password_view.py",
        "return status.password_check is not None and not status.password_unconfirmed",
        "return not status.password_unconfirmed",
        _REFUSED,
    ),
    Mutant(
        "after a refusal of a pending password the Secret's own is sent if that one is in doubt",
        "reconcile/decide/password_steps.py",
        "if view.pending_denied and view.password is not None and (repair := _repair(observed, view)):",
        "if False and (repair := _repair(observed, view)):",
        _REFUSED,
    ),
    Mutant(
        "whatever the API refuses it for",
        "reconcile/act/password_change.py",
        "if is_refusal(error) and not isinstance(error, NeverSent | RateLimited | Unauthorized):",
        "if isinstance(error, Invalid):",
        _REFUSED,
    ),
    Mutant(
        "in the pass of the refusal",
        "reconcile/pass_rules.py",
        "return is_sent and is_in_doubt and view is not None and view.pending_denied",
        "return False",
        _REFUSED,
    ),
    Mutant(
        "once the Secret's own is accepted, the cloud does not have the pending one",
        "reconcile/act/password_change.py",
        "            memory.was_not_taken(view.pending)",
        "            pass",
        _REFUSED,
    ),
    Mutant(
        "if both are refused, both are tried again",
        "reconcile/act/password_change.py",
        "            memory.was_denied(None)",
        "            pass",
        _REFUSED,
    ),
    Mutant(
        "a Secret that was set back is put right five times in ten minutes, whatever the repair begins with",
        "reconcile/act/retry_policy.py",
        "step.step in (PasswordStep.PREPARE, PasswordStep.CONFIRM) and is_of_another_hand",
        "step.step is PasswordStep.CONFIRM and is_of_another_hand",
        _REFUSED,
    ),
    Mutant(
        "the status has the check of the password that the cloud got last",
        "reconcile/act/password_change.py",
        "return Facts(password_unconfirmed=None, password_check=desired_secret.check(current, password))",
        "return Facts(password_unconfirmed=None)",
        _SET_BACK,
    ),
    Mutant(
        "a Secret is read again if its check did not get into the status",
        "reconcile/act/credentials.py",
        "return version, spec.deletion_policy, password_check, hash",
        "return version, spec.deletion_policy, hash",
        ("reconcile/act/test_credentials.py",),
    ),
    Mutant(
        "what the cloud has gets into its Secret, whatever its datastore does",
        "reconcile/decide/decide.py",
        "if problem is None or step.step in _FOLLOW_THE_CLOUD:",
        "if problem is None:",
        _MEANWHILE,
    ),
    Mutant(
        "what the cloud sets a password of is not Ready",
        "reconcile/report/status.py",
        "if observed.credential is not None and (\n"
        "                observed.credential.pending_sent or observed.credential.pending_unclear\n            ):",
        "if False:",
        ("reconcile/report/test_ready.py",),
    ),
    Mutant(
        "an existing password is used again",
        "reconcile/act/password_change.py",
        "return view.given or view.password or view.pending or passwords.generate()",
        "return view.given or passwords.generate()",
        _SECRETS,
    ),
    Mutant(
        "the Secret is written before the user is made",
        "reconcile/act/password_change.py",
        "            written = await self._put(current, wanted, desired_secret.check(current, password))",
        "            return password",
        _SECRETS,
    ),
    Mutant(
        "a pending password is sent before the Secret is switched",
        "reconcile/decide/password_steps.py",
        "        if view.pending_sent:",
        "        if True:",
        _DECIDE,
    ),
    Mutant(
        "a pending password is used again, never generated again",
        "reconcile/decide/password_steps.py",
        "    if view.pending is not None:\n",
        "    if view.pending is not None and view.pending_sent:\n",
        _DECIDE,
    ),
    Mutant(
        "an object whose password nobody knows is not taken over silently",
        "reconcile/decide/password_steps.py",
        "if view.given is None and view.password is None and view.pending is None and not resets:",
        "if False:",
        _DECIDE,
    ),
    Mutant(
        "a Secret that belongs to something else is not touched",
        "reconcile/act/secret_ownership.py",
        "        if secret is None or self.is_ours(resource, secret):\n            return None\n        ids",
        "        if True:\n            return None\n        ids",
        _SECRETS,
    ),
    Mutant(
        "a retained Secret goes with its object only",
        "reconcile/act/secret_ownership.py",
        "if kept_for is not None and kept_for in ids:",
        "if kept_for is not None:",
        _SECRETS,
    ),
    Mutant(
        "only an own Secret is let go",
        "reconcile/act/letting_go.py",
        "if secret is None or not is_ours(resource, secret):",
        "if secret is None:",
        _SECRETS,
    ),
    Mutant(
        "Retain keeps the Secret",
        "reconcile/act/letting_go.py",
        "        if retain:\n",
        "        if False:\n",
        _SECRETS,
    ),
    Mutant(
        "a retained Secret has no owner that garbage collection would follow",
        "reconcile/act/desired_secret.py",
        'owner=resource if current.observed.spec.deletion_policy == "Delete" else None,\n        drops=OPTIONAL_KEYS',
        "owner=resource,\n        drops=OPTIONAL_KEYS",
        _SECRETS,
    ),
    Mutant(
        "a Secret that was left behind is taken over only with a valid check of its password",
        "reconcile/act/secret_ownership.py",
        "return self.checks.judge(check, owner, password) is True and owner not in self.living_uids()",
        "return owner not in self.living_uids()",
        _RESTORED,
    ),
    Mutant(
        "a living resource's Secret is not taken over",
        "reconcile/act/secret_ownership.py",
        "return self.checks.judge(check, owner, password) is True and owner not in self.living_uids()",
        "return self.checks.judge(check, owner, password) is True",
        _RESTORED,
    ),
    Mutant(
        "an edited password is not believed",
        "reconcile/act/password_view.py",
        "return None if password is None or judge(current, mine, password) is False else password",
        "return password",
        _SECRETS,
    ),
    Mutant(
        "no token is made whose Secret cannot be written",
        "reconcile/act/password_change.py",
        "        if credential.value_of is not None:\n            await self._prove(",
        "        if False:\n            await self._prove(",
        _TOLD_ONCE,
    ),
    Mutant(
        "a value that is not told any more is proven by the object's id",
        "reconcile/act/credentials.py",
        "        or mine.annotations.get(OBJECT_ID) != current.observed.status.id\n",
        "",
        _TOLD_ONCE,
    ),
    Mutant(
        "a value that is not told any more is proven by its check",
        "reconcile/act/credentials.py",
        "    return password if password is not None and judge(current, mine, password) else None",
        "    return password",
        _TOLD_ONCE,
    ),
    Mutant(
        "a check that was made with another key is no proof of an edit",
        "reconcile/observe/passwords.py",
        "check_number(owner_uid, password)) else None",
        "check_number(owner_uid, password)) else False",
        ("virtual/test_password_checks.py",),
    ),
    Mutant(
        "no check vouches for a password that nobody has seen work",
        "reconcile/act/desired_secret.py",
        "if mine is None or there is None or judge(current, mine, password) is not None:",
        "if True:",
        ("virtual/test_password_checks.py",),
    ),
    Mutant(
        "a check is made with the operator's key",
        "reconcile/observe/passwords.py",
        "key.mac(PASSWORD_CHECK_PURPOSE, message).hex()[:32]",
        "hashlib.sha256(message).hexdigest()[:32]",
        ("virtual/test_password_checks.py",),
    ),
)
