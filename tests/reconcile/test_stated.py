"""What a raw spec says, by name: the names are those of the models."""

from managed_databases.kinds.database_project import DatabaseProjectSpec
from managed_databases.kinds.kafka_topic import KafkaTopicSpec
from managed_databases.kinds.references import DatastoreRef
from managed_databases.kinds.registry import cloud_kinds, kinds
from managed_databases.kinds.shared_fields import NameReference, ProjectRef
from managed_databases.reconcile.stated import PROTECTED, RETAIN, UNPROTECTED, Stated


def written(spec: KafkaTopicSpec) -> Stated:
    return Stated(spec.model_dump(mode="json", by_alias=True, exclude_none=True))


def test_it_reads_what_the_models_write() -> None:
    parent = DatastoreRef(name="main", namespace="shop")
    stated = written(
        KafkaTopicSpec(
            datastore_ref=parent,
            project_ref=ProjectRef(name="europe"),
            deletion_policy="Retain",
            deletion_protection=False,
        )
    )
    assert (stated.project, stated.is_retained, stated.is_unprotected) == ("europe", True, True)
    to = stated.reference("datastoreRef")
    assert (to.name, to.namespace, to.id) == ("main", "shop", None)
    by_id = written(KafkaTopicSpec(datastore_ref=DatastoreRef(id="5e1f0a52-0000-4000-8000-000000000001")))
    assert by_id.reference("datastoreRef").id == "5e1f0a52-0000-4000-8000-000000000001"
    assert (by_id.project, by_id.is_retained, by_id.is_unprotected) == (None, False, False)


def test_it_reads_what_a_project_writes() -> None:
    spec = DatabaseProjectSpec.model_construct(
        region="ru-3", default=True, credentials_secret_ref=NameReference(name="login")
    )
    stated = Stated(spec.model_dump(mode="json", by_alias=True, include={"default", "credentials_secret_ref"}))
    assert (stated.is_default, stated.credentials_secret) == (True, "login")
    assert (Stated({}).is_default, Stated({}).credentials_secret) == (False, None)


def test_what_is_changed_in_a_spec_is_in_each_model() -> None:
    for kind in cloud_kinds(kinds()).values():
        assert {*RETAIN, *UNPROTECTED, *PROTECTED} <= {
            field.alias or name for name, field in kind.spec.model_fields.items()
        }


def test_protection_is_lifted_by_false_only() -> None:
    assert not Stated({"deletionProtection": None}).is_unprotected
    assert not Stated({}).is_unprotected


def test_a_spec_protects_by_true_only() -> None:
    """By default it is the datastore that says so."""
    assert Stated({"deletionProtection": True}).is_protected
    assert not any(
        Stated(spec).is_protected for spec in ({}, {"deletionProtection": None}, {"deletionProtection": False})
    )
