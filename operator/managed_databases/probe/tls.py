"""TLS as a probe wants it."""

import ssl


class UnreadableCA(Exception):
    """The CA's certificate is no PEM that can be read."""


def context_for(ca_certificate: str | None, *, checks_name: bool = True) -> ssl.SSLContext:
    """Return a context that trusts this CA (PEM) and nothing else, and checks the name if asked to; without a CA nothing is
    verified, as by applications that have no CA either.

    The system's CAs are never trusted: an application with the credentials Secret has only the CA in there. Raises UnreadableCA.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_certificate is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    context.check_hostname = checks_name
    try:
        context.load_verify_locations(cadata=ca_certificate)
    except (ssl.SSLError, ValueError) as error:
        raise UnreadableCA from error
    return context
