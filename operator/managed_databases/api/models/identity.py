"""What the identity service answers (Keystone v3)."""

from managed_databases.api.models.base_models import AnswerModel, Time


class Endpoint(AnswerModel):
    interface: str
    url: str
    region: str | None = None
    region_id: str | None = None


class CatalogueService(AnswerModel):
    type: str
    name: str | None = None
    endpoints: tuple[Endpoint, ...] = ()


class TokenProject(AnswerModel):
    id: str
    name: str | None = None


class Token(AnswerModel):
    """The `token` of the identity service's answer; its value stands in a header."""

    expires_at: Time
    catalog: tuple[CatalogueService, ...] = ()
    project: TokenProject | None = None
