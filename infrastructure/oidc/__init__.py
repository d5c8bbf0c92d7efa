"""Sign-in with an outside provider: OpenID Connect Core 1.0, authorization code with PKCE, as RFC 9700 wants it.

Whose account an identity opens is not decided here.
"""

from infrastructure.oidc.client import (
    Begun,
    Identity,
    OidcError,
    ProviderUnreachable,
    ResponseRefused,
    begin,
    finish,
    forget,
)
from infrastructure.oidc.providers import Provider, UnknownProvider, provider, providers

__all__ = [
    "Begun",
    "Identity",
    "OidcError",
    "Provider",
    "ProviderUnreachable",
    "ResponseRefused",
    "UnknownProvider",
    "begin",
    "finish",
    "forget",
    "provider",
    "providers",
]
