"""Sign-in with an outside provider of OpenID Connect, or of plain OAuth 2.0: the authorization code flow with PKCE.

It follows RFC 9700. Which account an identity opens is decided by its caller.
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
