"""Reasons: a person must act: a spec, a name or a right."""

from collections.abc import Mapping
from typing import Final

from managed_databases.gitops.explanations.explanation import Explanation, Who
from managed_databases.kinds.verdicts import Reason

TITLE: Final = "A person must act: a spec, a name or a right"

EXPLANATIONS: Final[Mapping[Reason, Explanation]] = {
    Reason.INVALID: Explanation(
        means="The API refuses what the spec asks for.",
        who=Who.WRITER,
        to_do="Correct the spec as the message says; the operator tries again on a change, and every 10 min.",
        example="the API refuses: Validation failure: {'datastore.name': 'not allowed'}",
    ),
    Reason.INVALID_SPEC: Explanation(
        means="The spec does not fit the engine, the catalogue or the resources that it refers to.",
        who=Who.WRITER,
        to_do=(
            "Correct the spec; the message says what is possible, and the namespace's "
            "[catalogue](using.md#what-you-can-choose) lists it."
        ),
        example="a topic is only in a datastore of kafka; ManagedDatastore shop/main is postgresql",
    ),
    Reason.NOT_REVERSIBLE: Explanation(
        means=(
            "The spec asks for a change that is impossible (a smaller disk, fewer partitions); all other changes are "
            "made, and `Ready` stays."
        ),
        who=Who.WRITER,
        to_do="Put the old value back, or make another resource.",
        example="Kafka cannot merge partitions: there are 6, the spec says 3; say 6 or more",
    ),
    Reason.FORBIDDEN: Explanation(
        means=(
            "The project does not allow the namespace or lacks a power, or the API refuses the project's user; for a "
            "project: the Secret's annotation `manageddatabases.io/projects` names other projects."
        ),
        who=Who.PLATFORM,
        to_do=(
            "Allow it in the `DatabaseProject` ([who may use a project](installing.md#a-project)), in the "
            "annotation, or give the user the role in the cloud."
        ),
        example=(
            "the DatabaseProject does not let this namespace have metrics tokens, which are valid for the whole "
            "project: its allowedNamespaces entry needs powers: [metrics]"
        ),
    ),
    Reason.NAME_NOT_ALLOWED: Explanation(
        means=(
            "The name lacks the prefix that the project demands for this namespace (`namePrefix` in its "
            "`allowedNamespaces`)."
        ),
        who=Who.WRITER,
        to_do="Set `spec.name`, or have the prefix changed.",
        example=(
            "names of this namespace in the DatabaseProject must begin with shop-: set spec.name to such a one, or "
            "have the namePrefix in its allowedNamespaces changed"
        ),
    ),
    Reason.ALREADY_EXISTS: Explanation(
        means="The cloud has an object of this name that no resource holds.",
        who=Who.WRITER,
        to_do="Choose another name, if the kind has one, or [adopt](using.md#adopt-what-exists) the object.",
        example=(
            "the cloud has e227f314-c35d-48cc-80f0-9446fae31df1 under this name, which no resource holds: choose "
            "another name, or set spec.adoption to IfExists to take it over"
        ),
    ),
    Reason.CONFLICT: Explanation(
        means="Another resource holds the object, or was first to want its name.",
        who=Who.WRITER,
        to_do=(
            "Delete one of the two resources (`deletionPolicy: Retain` first, to keep the object). If the message "
            "says that nothing proves it: [ownership that nothing "
            "proves](operating.md#ownership-that-nothing-proves)."
        ),
        example="DatabaseUser shop/app already stands for this object: choose another name, or delete one of the two resources",
    ),
    Reason.OWNERSHIP_NOT_PROVEN: Explanation(
        means=(
            "The status names an object, and the seal in the status does not prove that the resource holds it. "
            "Nothing is changed in the cloud, `Ready` and the Secret stay."
        ),
        who=Who.PLATFORM,
        to_do=(
            "Choose one of three ways: [ownership that nothing proves](operating.md#ownership-that-nothing-proves)."
        ),
        example=(
            "the status says to have an object, nothing proves it, and the cloud has none under this name to take over: "
            "nothing is made in its place. manageddatabases.io/force-delete: true and a deletion let this resource "
            "go"
        ),
    ),
    Reason.RESOURCE_CONFLICT: Explanation(
        means="A grant or access rule that this resource's spec lists exists already and belongs to something else.",
        who=Who.WRITER,
        to_do="Remove one of the two.",
        example="DatabaseGrant shop/app-orders exists and belongs to something else: remove one of the two",
    ),
    Reason.PARENT_CHANGED: Explanation(
        means=(
            "The reference leads to another datastore now than the one in which the object was made; the operator "
            "changes nothing."
        ),
        who=Who.WRITER,
        to_do="[Delete the resource and apply it again](operating.md#parentchanged).",
        example=(
            "this was made in the datastore 0e4b1d3b-2722-430f-9ece-79c3d7dcd23d, and datastoreRef now means "
            "d1401076-5f02-455b-a59f-e651b20e7831 (ManagedDatastore shop/main): nothing is changed in either. To "
            "have it in the new one, delete this resource (with deletionPolicy Retain what is in the old one stays) "
            "and make it again; to go on with the old one, let a resource of that name hold it again"
        ),
    ),
    Reason.NOT_ADOPTABLE: Explanation(
        means="The object that is to be adopted differs in fields that can never change.",
        who=Who.WRITER,
        to_do="Correct the spec, or make a new object under another name.",
        example=(
            "e227f314-c35d-48cc-80f0-9446fae31df1 differs in what can never change: engine is mysql 8, the spec says "
            "postgresql 16"
        ),
    ),
    Reason.NOTHING_TO_ADOPT: Explanation(
        means="The spec says `adoption: Required`, and the cloud has no object of this name.",
        who=Who.WRITER,
        to_do="Correct the name, or say `IfExists`.",
        example="adoption is Required, but the cloud has no object under this name yet",
    ),
}
