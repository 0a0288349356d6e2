"""The part of the chart of projects that follows from the kinds."""

import json
from pathlib import PurePosixPath
from typing import Final

from managed_databases.kinds.database_project import PollSecondsOf

VALUES_SCHEMA: Final = PurePosixPath("helm/managed-databases-projects/values.schema.json")


def values_schema(written: str) -> str:
    """Return the schema of the chart's values, with a field of `pollSecondsOf` for each collection that a kind uses; all the
    rest of it is written by hand.
    """
    schema = json.loads(written)
    of_collections = schema["definitions"]["project"]["properties"]["pollSecondsOf"]
    fields = PollSecondsOf.model_json_schema()["properties"]
    of_collections["properties"] = {name: {"$ref": "#/definitions/seconds"} for name in fields}
    return json.dumps(schema, indent=2) + "\n"
