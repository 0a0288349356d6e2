"""What a call can end in, named for what the caller must do.

ApiError              every failure of a call; .operation .message .request_id .status
├── Refused           the API said no and changed nothing
│   ├── Invalid       400 "Validation failure", 422   Stalled: tried again when something relevant changes
│   ├── Forbidden     403            Stalled: the project's user lacks a role
│   ├── NotFound      404            believed only for a GET by id
│   ├── Unauthorized  401            the token is no longer good, also after it was renewed once
│   ├── Busy          409, other 400 wait until the object settles
│   └── RateLimited   429            .retry_after_seconds, for the whole project
├── NeverSent         no connection, or no token   safe to repeat
├── TooLarge          an answer over the limits; refused before it is read whole
└── OutcomeUnknown    5xx, reset, time-out, an answer that cannot be read: look before repeating a create
"""


class ApiError(Exception):
    """A call failed. The text never holds a secret: those that the request carried are masked in the API's message."""

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
    """No such object (404). Believed only for a GET by id."""


class Unauthorized(Refused):
    """The token was refused, and so was a renewed one (401)."""


class Busy(Refused):
    """The object cannot take the change now (409, and a 400 that is no validation failure)."""


class RateLimited(Refused):
    """Too many calls (429). `retry_after_seconds` is None when the API did not say."""

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
    """The request did not leave: it is safe to repeat."""


class TooLarge(ApiError):
    """The answer was over the limits of size or rows and was not read."""


class OutcomeUnknown(ApiError):
    """The request may have had its effect: look before repeating a create."""
