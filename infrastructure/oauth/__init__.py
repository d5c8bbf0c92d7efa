"""Sign-in with an external provider of OpenID Connect or OAuth 2.0: the authorization code flow with PKCE (RFC 9700).

Callers decide which account an identity opens.
"""

from infrastructure.oauth.errors import OAuthError, ProviderUnreachable, ResponseRefused
from infrastructure.oauth.providers import Provider, ProviderTableError, providers
from infrastructure.oauth.sign_in import Begun, Identity, begin, finish

__all__ = [
    "Begun",
    "Identity",
    "OAuthError",
    "Provider",
    "ProviderTableError",
    "ProviderUnreachable",
    "ResponseRefused",
    "begin",
    "finish",
    "providers",
]
