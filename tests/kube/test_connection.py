import pytest

from managed_databases.kube.connection import proxy_of_environment


@pytest.mark.parametrize(
    ("why", "environment", "proxy"),
    [
        ("nothing is said", {}, None),
        ("the address is https", {"HTTPS_PROXY": "http://proxy:3128"}, "http://proxy:3128"),
        ("a proxy for http is not one for https", {"HTTP_PROXY": "http://proxy:3128"}, None),
        ("the host is left out", {"HTTPS_PROXY": "http://proxy:3128", "NO_PROXY": "other,10.0.0.1"}, None),
    ],
)
def test_the_proxy_is_the_environments(
    monkeypatch: pytest.MonkeyPatch, why: str, environment: dict[str, str], proxy: str | None
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert proxy_of_environment("https://10.0.0.1:6443") == proxy, why
