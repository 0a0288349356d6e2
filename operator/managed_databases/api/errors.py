"""What a call can end in, named for what the caller must do.

ApiError              every failure of a call; .operation .message .request_id .status
├── Refused           the API said no and changed nothing
│   ├── Invalid       400 "Validation failure: {...}", 422   Stalled: tried again when something relevant changes
│   ├── Forbidden     403            Stalled: the project's user lacks a role
│   ├── NotFound      404 that names what is missing, in the API's own words; believed only for a GET by id
│   ├── Unauthorized  401            the token is no longer good, also after it was renewed once
│   ├── Busy          409, other 400 wait until the object settles; also "Validation failure: it cannot be ..."
│   └── RateLimited   429            .retry_after_seconds, for the whole project
├── NeverSent         no connection, or no token   safe to repeat
│   └── Misdirected   no such region, or no address: a person must correct it
├── TooLarge          an answer over the limits; refused before it is read whole
└── OutcomeUnknown    5xx, reset, time-out, an answer that cannot be read, a 404 of something before the API:
                      look before repeating a create
"""

from collections.abc import Collection


class ApiError(Exception):
    """A call failed. The text never contains a secret: the secrets of the request are masked in the API's message.

    `is_from_the_way`: the answer has not the API's form, so a proxy or ingress before the API may have sent it, and it proves
    nothing about the API's objects.
    """

    is_from_the_way = False

    def __init__(
        self, operation: str, message: str, *, status: int | None = None, request_id: str | None = None
    ) -> None:
        super().__init__(f"{operation}: {message}")
        self.operation = operation
        self.message = message
        self.status = status
        self.request_id = request_id


class Refused(ApiError):
    """The API said no and changed nothing."""


class Invalid(Refused):
    """The request can never work as it is (400 from schema validation, 422)."""


class Forbidden(Refused):
    """The project's user lacks a role (403)."""


class NotFound(Refused):
    """No such object (404), in the API's own words: "<kind> <id> not found.". Believed only for a GET by id."""

    def is_about(self, words: Collection[str], id_: str) -> bool:
        """Return whether this error says that the API has no object `id_`; `words` are the API's words for its kind."""
        kind, _, rest = self.message.partition(" ")
        return kind.lower() in words and id_ in rest.split()


class Unauthorized(Refused):
    """The token was refused, and so was a renewed one (401)."""


class Busy(Refused):
    """The object cannot be changed now (409, and a 400 that does not say which field of the request is wrong)."""


class RateLimited(Refused):
    """Too many calls (429). `retry_after_seconds` is None if the API did not say."""

    def __init__(
        self,
        operation: str,
        message: str,
        *,
        retry_after_seconds: float | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(operation, message, status=429, request_id=request_id)
        self.retry_after_seconds = retry_after_seconds


class NeverSent(ApiError):
    """The request was not sent, so it is safe to repeat."""


class Misdirected(NeverSent):
    """There is no address to send to: a person has to correct the endpoint or the region first."""


class TooLarge(ApiError):
    """The answer was over the limits of size or rows and was not read."""


class OutcomeUnknown(ApiError):
    """The request may have had its effect: look whether it had, before you repeat a create."""
