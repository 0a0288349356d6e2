"""An HTTP client that keeps no cookies."""

from typing import Final

import httpx


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Take no cookie from the answer."""


_NO_COOKIES: Final = _NoCookies()


class WithoutCookies(httpx.AsyncClient):
    """Keeps no cookies: an API could fill the memory with them, and looking for them takes time in each call."""

    @property
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise AttributeError("this client keeps none")
