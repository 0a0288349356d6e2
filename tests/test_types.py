"""The type checker sees into what a pass works on: a misspelt name is found before any test runs."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[1]
PACKAGE = Path("operator/managed_databases")
CHECKED = (str(PACKAGE / "kinds"), str(PACKAGE / "reconcile"))
CACHE = TOP / ".cache" / "types"


@dataclass(frozen=True)
class Typo:
    """`right` stands somewhere in `file`; `wrong` in its place must be found, less than `lines` lines away."""

    why: str
    file: str
    right: str
    wrong: str
    lines: int = 2


TYPOS = (
    Typo(
        "a kind's spec",
        "kinds/kafka_topic.py",
        "= observed.existing, observed.spec.partitions",
        "= observed.existing, observed.spec.partitons",
    ),
    Typo(
        "a kind's object",
        "kinds/kafka_topic.py",
        "else observed.external.partitions",
        "else observed.external.partitons",
    ),
    Typo(
        "a kind's object that may not be there",
        "kinds/database_grant.py",
        "observed.existing.user_id",
        "observed.external.user_id",
    ),
    Typo("a kind's status", "kinds/kafka_topic.py", "KafkaTopicStatus(protected=", "KafkaTopicStatus(protcted="),
    Typo("a kind's status of before", "kinds/datastore_changes.py", "observed.status.guard", "observed.status.gaurd"),
    Typo("another kind's spec", "kinds/engines.py", "return parent.spec.engine.type", "return parent.spec.engin.type"),
    Typo("another kind's object", "kinds/engines.py", "parent.object.type_id", "parent.object.typ_id"),
    Typo("a guest's rights", "kinds/kafka_acl.py", "rights.topic_prefix", "rights.topic_prefx"),
    Typo(
        "what is sent",
        "kinds/kafka_topic.py",
        "NewTopic(name=name, datastore_id=datastore_id)",
        "NewTopic(name=name, datastore=datastore_id)",
    ),
    Typo(
        "a field that the observer fills",
        "reconcile/observe/external.py",
        "is_unsure=is_unreadable",
        "is_unsrue=is_unreadable",
        lines=8,
    ),
    Typo(
        "a field that the observer reads",
        "reconcile/observe/observer.py",
        "observed.presence.is_gone\n",
        "observed.presence.is_gnoe\n",
    ),
    Typo("an object in a pass", "reconcile/observe/external.py", "external.is_whole", "external.is_hole"),
    Typo(
        "a fact of a decision",
        "reconcile/decide/without_object.py",
        "Facts(password_unconfirmed=True)",
        "Facts(pasword_unconfirmed=True)",
    ),
    Typo(
        "a fact of a step",
        "reconcile/act/password_change.py",
        "Facts(password_unconfirmed=None,",
        "Facts(passwordUnconfirmed=None,",
    ),
    Typo(
        "a fact that is read", "reconcile/act/actor.py", "step.changes.adopted is True", "step.changes.adoptd is True"
    ),
    Typo("a kind's method", "reconcile/decide/without_object.py", "kind.expected_of(found)", "kind.expectd_of(found)"),
    Typo(
        "a project where there may be none",
        "reconcile/pass_rules.py",
        "if not isinstance(current, PassInProject) or observed.deleting:",
        "if current.session is None or observed.deleting:",
    ),
    Typo(
        "a kind that may have no cloud object",
        "reconcile/observe/ownership_index.py",
        "if not isinstance(kind, CloudKind):",
        "if kind is None:",
        lines=12,
    ),
    Typo(
        "a field that a pass reports",
        "reconcile/report/status.py",
        "synced_generation=observed.generation if",
        "synced_genration=observed.generation if",
    ),
    Typo(
        "what the status said before",
        "reconcile/report/status.py",
        "old.handled_sync_request",
        "old.handled_sync_reqest",
    ),
    Typo(
        "a field of the status, by name",
        "reconcile/report/status.py",
        "= _phase(phase=old.phase",
        "= _phase(phse=old.phase",
    ),
    Typo("a part of the status", "reconcile/report/status.py", "_binding(name=secret_name", "_binding(nam=secret_name"),
    Typo(
        "a field of a condition",
        "reconcile/statuses/conditions.py",
        "last_transition_time=since or",
        "last_transition_tme=since or",
        lines=8,
    ),
    Typo("a condition of before", "reconcile/report/event_recorder.py", "stalled.is_true and", "stalled.is_ture and"),
    Typo("what was set", "reconcile/report/managed.py", "dict(before.applying)", "dict(before.aplying)"),
    Typo(
        "what is told of a resource in trouble",
        "reconcile/report/unreadable.py",
        "Reported(observed_generation=resource.generation",
        "Reported(observedGeneration=resource.generation",
    ),
    Typo("what is sealed", "reconcile/observe/seals.py", "told.sealed.items()", "told.seald.items()"),
    Typo(
        "a field of a project's status",
        "reconcile/project/project_status.py",
        "        odd_rows=tuple(",
        "        od_rows=tuple(",
        lines=12,
    ),
    Typo(
        "a part of a project's status",
        "reconcile/project/project_status.py",
        "QuotaStatus.model_construct(name=line.name, used=",
        "QuotaStatus.model_construct(name=line.name, usd=",
    ),
    Typo(
        "a field that a project reports",
        "reconcile/project/project_status.py",
        "in_use=_uses(observed, old)",
        "inuse=_uses(observed, old)",
        lines=8,
    ),
    Typo("what a project's status said", "reconcile/project/pinned_identity.py", "told.project_id", "told.projectid"),
    Typo(
        "whether changes wait for a person",
        "reconcile/decide/differences.py",
        "observed.spec.asks_for_approval",
        "observed.spec.asks_for_aproval",
    ),
    Typo(
        "a kind's answer to that",
        "kinds/managed_datastore_spec.py",
        "def asks_for_approval(self)",
        "def asks_for_aproval(self)",
        lines=4,
    ),
    Typo(
        "the field that the answer reads",
        "kinds/managed_datastore_spec.py",
        "return self.change_policy ==",
        "return self.change_polcy ==",
    ),
    Typo(
        "whether an unknown password is reset",
        "reconcile/decide/password_steps.py",
        "observed.spec.resets_unknown_password",
        "observed.spec.resets_unknown_pasword",
    ),
    Typo(
        "a kind's answer to whether it is reset",
        "kinds/database_user_spec.py",
        "def resets_unknown_password(self)",
        "def reset_unknown_password(self)",
        lines=4,
    ),
    Typo(
        "what protects a holder",
        "reconcile/observe/resolved_references.py",
        "not spec.protects_itself",
        "not spec.protect_itself",
        lines=4,
    ),
    Typo(
        "the project that a spec names",
        "reconcile/observe/project_access.py",
        "return observed.spec.project_ref.name",
        "return observed.spec.projectref.name",
    ),
    Typo("the name that a spec states", "kinds/names.py", "observed.spec.stated_name", "observed.spec.statd_name"),
    Typo(
        "the name that is told by a pinned one",
        "kinds/observed.py",
        "self.spec.stated_name",
        "self.spec.statd_name",
    ),
    Typo(
        "a claim that is taken away",
        "reconcile/observe/observer.py",
        "Facts(id=None, identity=",
        "Facts(id=None, identty=",
    ),
    Typo("an intent that is shown", "reconcile/report/status.py", "Facts(intent=intent)", "Facts(intnt=intent)"),
    Typo("a right that is united", "kinds/inline_grants.py", "allow_read=bool(", "allow_raed=bool(", lines=4),
    Typo("a power, by name", "kinds/project_view.py", 'ADOPT: Final[Power] = "adopt"', 'ADOPT: Final[Power] = "adpot"'),
    Typo(
        "a power, where it is asked for",
        "reconcile/decide/same_key.py",
        "observed.project.may_adopt",
        "observed.project.may_adpot",
    ),
    Typo(
        "what a raw spec says", "reconcile/project/tenancy.py", "project.stated.is_default", "project.stated.is_defualt"
    ),
    Typo("a reference of a raw spec", "reconcile/observe/ownership_index.py", "if stated.id:", "if stated.ib:"),
    Typo("what is changed in a spec", "reconcile/act/letting_go.py", "(owned, RETAIN)", "(owned, RETIAN)"),
    Typo("what the API may not tell", "kinds/datastore_report.py", "told.log_platform", "told.log_platfrom"),
    Typo(
        "what a spec says of that",
        "kinds/datastore_report.py",
        "lambda spec: spec.node_count",
        "lambda spec: spec.nodecount",
    ),
    Typo("a part of a fingerprint", "reconcile/act/fingerprint.py", "held.step.what ==", "held.step.waht =="),
    Typo(
        "what a fingerprint is made of",
        "reconcile/act/fingerprint.py",
        "catalogue_version=None",
        "catalog_version=None",
        lines=12,
    ),
)
"""One of each way in which a pass gets at what it has seen, and says what it has found out."""


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What mypy says of a copy with all typos at once: one run is enough."""
    copy = tmp_path_factory.mktemp("typos")
    shutil.copytree(TOP / PACKAGE, copy / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(TOP / "pyproject.toml", copy)
    for typo in TYPOS:
        path = copy / PACKAGE / typo.file
        path.write_text(path.read_text().replace(typo.right, typo.wrong, 1))
    command = [sys.executable, "-m", "mypy", "--cache-dir", str(CACHE), "--no-error-summary", *CHECKED]
    return subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False).stdout


@pytest.mark.parametrize("typo", TYPOS, ids=lambda typo: typo.why)
def test_a_misspelt_name_is_found(typo: Typo, complaints: str) -> None:
    text = (TOP / PACKAGE / typo.file).read_text()
    assert typo.right in text, f"{typo.right} stands in {typo.file} no more: bring the typo up to date"
    first = text[: text.index(typo.right)].count("\n") + 1
    found = {int(line) for line in re.findall(rf"{PACKAGE}/{typo.file}:(\d+): error", complaints)}
    assert any(abs(line - first) < typo.lines for line in found), complaints
