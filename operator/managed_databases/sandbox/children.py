"""The rules of single sections, each a function of (call, the new row, the row before an update).

They raise Refusal, and may complete the new row.
"""

import secrets

from managed_databases.sandbox import user_offers
from managed_databases.sandbox.answers import Refusal, busy, invalid, not_found
from managed_databases.sandbox.calling import Call, unsupported
from managed_databases.sandbox.catalogue import CATALOGUE, TYPES
from managed_databases.sandbox.schemas import USER_NAME_LENGTH
from managed_databases.sandbox.store import Row


def check_database(call: Call, new: Row, old: Row | None) -> None:
    """Refuse owner, collation and character type except in PostgreSQL."""
    kind = TYPES[call.find("datastores", "datastore", new["datastore_id"])["type_id"]]
    if kind.engine.postgresql:
        if old is None:
            for name, default in (("owner_id", None), ("lc_collate", "C"), ("lc_ctype", "C")):
                new.setdefault(name, default)
        return
    for name in ("owner_id", "lc_collate", "lc_ctype"):
        if name in new:
            raise unsupported(f"{name} is", kind)


def check_user(call: Call, new: Row, old: Row | None) -> None:
    """Refuse a name that is longer than the API's reference says, unless the settings allow it to a PostgreSQL user; and roles
    and settings that are not on offer.
    """
    kind = TYPES[call.find("datastores", "datastore", new["datastore_id"])["type_id"]]
    is_long_allowed = call.cloud.settings.long_user_names and kind.engine.postgresql
    if old is None and len(new["name"]) > USER_NAME_LENGTH and not is_long_allowed:
        raise invalid({"user.name": f"{new['name']!r} is too long"})
    user_offers.check_user(call, new, old)


def check_extension(call: Call, new: Row, old: Row | None) -> None:
    """Refuse an extension that the catalogue lacks for the datastore's type, or that depends on extensions that are not
    ACTIVE.
    """
    offer = CATALOGUE["available-extensions"].get(new["available_extension_id"])
    if offer is None:
        raise not_found("availableextension", new["available_extension_id"])
    datastore = call.find("datastores", "datastore", new["datastore_id"])
    if datastore["type_id"] not in offer["datastore_type_ids"]:
        raise unsupported(f"extension {offer['name']} is", TYPES[datastore["type_id"]])
    for needed in offer["dependency_ids"]:
        key = {"database_id": new["database_id"], "available_extension_id": needed}
        there = call.space.with_key_of("extensions", key)
        name = CATALOGUE["available-extensions"][needed]["name"]
        if there is None:
            raise Refusal(400, f"extension {offer['name']} needs {name}.", is_of_state=True)
        if (status := call.find("extensions", "extension", there)["status"]) != "ACTIVE":
            raise busy(f"extension {name} is {status}.")


def check_extension_removal(call: Call, row: Row) -> None:
    """Refuse the removal of an extension that another extension of its database needs [assumed: PostgreSQL itself could remove
    both].
    """
    for id_, offer in CATALOGUE["available-extensions"].items():
        if row["available_extension_id"] in offer["dependency_ids"]:
            key = {"database_id": row["database_id"], "available_extension_id": id_}
            if call.space.with_key_of("extensions", key):
                raise busy(f"extension {row['id']} is needed by {offer['name']}.")


def check_slot_removal(call: Call, row: Row) -> None:
    """Refuse the removal of a slot with a consumer [assumed: PostgreSQL itself refuses to drop such a slot]."""
    if row["in_use"]:
        raise busy(f"logicalreplicationslot {row['id']} is in use.")


def check_topic(call: Call, new: Row, old: Row | None) -> None:
    """Refuse fewer partitions than the topic has."""
    if old is not None and new["partitions"] < old["partitions"]:
        raise invalid({"topic.partitions": f"{new['partitions']} is less than the minimum of {old['partitions']}"})


def check_acl(call: Call, new: Row, old: Row | None) -> None:
    """Refuse an access rule that allows nothing, or that lacks a pattern and is not for all topics, or has one and is [assumed:
    the messages about the pattern].
    """
    if not new["allow_read"] and not new["allow_write"]:
        raise invalid("At least one of these fields (allow_read, allow_write) must be true")
    if new["pattern_type"] == "all" and new["pattern"] is not None:
        raise invalid({"acl.pattern": "'pattern' must be left out with the pattern_type 'all'"})
    if new["pattern_type"] != "all" and new["pattern"] is None:
        raise invalid({"acl": "'pattern' is a required property"})


def check_token(call: Call, new: Row, old: Row | None) -> None:
    """Give a new token its value; an update keeps it."""
    if old is None:
        new["value"] = secrets.token_urlsafe(32)
