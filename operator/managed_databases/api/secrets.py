"""Secret values: shown as asterisks everywhere, revealed only when a request body is written."""

from typing import Annotated, Final

from pydantic import Field, PlainSerializer, SecretStr, SerializationInfo

WIRE: Final = object()
"""The only serialization context that reveals a secret."""


def _reveal_on_the_wire(secret: SecretStr, info: SerializationInfo) -> str:
    return secret.get_secret_value() if info.context is WIRE else str(secret)


Secret = Annotated[SecretStr, PlainSerializer(_reveal_on_the_wire)]
"""Any secret in an answer or a request."""

Password = Annotated[
    SecretStr, Field(min_length=1, max_length=255), PlainSerializer(_reveal_on_the_wire, return_type=str)
]
"""A password as the API takes it: 1 to 255 characters (API reference, users and datastores)."""
