"""Settings of accounts, passwords, sessions, tokens and external providers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import orjson

from infrastructure import environment, product
from infrastructure.environment import Mistake, secrets
from infrastructure.token import WeakKeyError, keys

VARIABLES = environment.Variables("Sign-in")

_MONTH = 31 * 86_400
_LEAST_KEY_LENGTH = 43  # 32 random bytes in base64, the size of HS256's hash (RFC 7518, section 3.2)


def key_ring(text: str) -> tuple[tuple[str, str], ...]:
    """`2026a:secret, …` as ((kid, secret), …). An entry without a colon gets the kid of its position."""
    entries = [entry for entry in map(str.strip, text.split(",")) if entry]
    pairs = [
        entry.partition(":") if ":" in entry else (f"k{n}", ":", entry) for n, entry in enumerate(entries)
    ]
    return tuple((kid.strip(), secret.strip()) for kid, _, secret in pairs)


def provider_rows(text: str) -> list[Any]:
    """Parse the rows of providers from JSON. Raises Mistake without any value."""
    from infrastructure import oauth

    try:
        rows = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Mistake(f"must be a list of objects; it is not JSON ({where})") from None
    try:
        return [*rows] if oauth.providers(rows, site="") else []
    except oauth.ProviderTableError as error:
        raise Mistake(str(error)) from None


JWT_ALGORITHM = VARIABLES.choice(
    "JWT_ALGORITHM",
    "HS256",
    "With EdDSA, public keys are at `/.well-known/jwks.json` and private ones in `JWT_KEYS`",
    choices=keys.ALGORITHMS,
)
JWT_KEYS: tuple[tuple[str, str], ...] = VARIABLES.read(
    "JWT_KEYS",
    "",
    "Access token key ring, `kid:secret,…`; the first signs, all verify",
    kind="comma list",
    parse=key_ring,
    empty=(),
    secret=True,
)
if JWT_KEYS:
    try:
        keys.KeyRing(JWT_KEYS, JWT_ALGORITHM)
    except WeakKeyError as error:
        VARIABLES.fault("JWT_KEYS", f"cannot sign: {str(error).rstrip('.')}")
VARIABLES.weak("JWT_KEYS", [None if JWT_KEYS else "is empty"])
for _kid, _secret in JWT_KEYS:
    if _weakness := secrets.weakness(_secret, least=_LEAST_KEY_LENGTH):
        VARIABLES.weak("JWT_KEYS", [f"holds a key {_kid!r} that {_weakness}"])
JWT_ISSUER = (
    VARIABLES.text("JWT_ISSUER", "", "`iss` and `aud` of access tokens; empty: the product's slug")
    or product.PRODUCT.slug
)
JWT_AUDIENCE = JWT_ISSUER
ACCESS_TOKEN_LIFETIME = timedelta(
    seconds=VARIABLES.number("ACCESS_TOKEN_SECONDS", 600, "Lifetime of an access token", least=1, most=86_400)
)
REFRESH_TOKEN_LIFETIME = timedelta(
    seconds=VARIABLES.number(
        "REFRESH_TOKEN_SECONDS",
        1_209_600,
        "Lifetime of a refresh token, renewed at each use",
        least=60,
        most=120 * _MONTH,
    )
)
SESSION_LIFETIME = timedelta(
    seconds=VARIABLES.number(
        "SESSION_SECONDS",
        7_776_000,
        "How long a session may be renewed in all; then it takes a sign-in",
        least=60,
        most=120 * _MONTH,
    )
)
REFRESH_GRACE = timedelta(
    seconds=VARIABLES.number(
        "REFRESH_GRACE_SECONDS",
        0,
        "How long the refresh token used last may come again, for lost answers",
        least=0,
        most=3_600,
    )
)
ERASURE_GRACE = timedelta(
    days=VARIABLES.number(
        "ERASURE_GRACE_DAYS",
        14,
        "Days for which signing in cancels the erasure of an account; 0 erases at once",
        least=0,
        most=365,
    )
)
REQUIRE_VERIFIED_EMAIL = VARIABLES.flag(
    "REQUIRE_VERIFIED_EMAIL", False, "Sign-in waits for the address to be verified"
)
REGISTRATION_UNIFORM = VARIABLES.flag(
    "REGISTRATION_UNIFORM", False, "Registration answers 202 for new and for known addresses"
)
ADMIN_SECOND_FACTOR = VARIABLES.flag(
    "ADMIN_SECOND_FACTOR", True, "The admin role opens nothing without a second factor (production)"
)
# `redirect_uri` is PUBLIC_URL/?oidc=<name> unless it is given.
OIDC_PROVIDERS: list[Any] = VARIABLES.read(
    "OIDC_PROVIDERS",
    "",
    'Sign-in elsewhere: `[{"name":"acme","issuer":"https://…","client_id":"…","client_secret":"…"}]`,'
    ' or `[{"type":"github","client_id":"…","client_secret":"…"}]`',
    kind="JSON",
    parse=provider_rows,
    empty=[],
    secret=True,
)

AUTH_USER_MODEL = "users.User"
# Sign-in to the admin site is limited and requires the second factor, like the API's.
ADMIN_SITE = "apps.users.admin_site.Site"
LOGIN_URL = "/admin/login/"
SECOND_FACTOR_LIFETIME = timedelta(minutes=5)

# The first hashes new passwords. The others read hashes that accounts brought along, and replace them at the next sign-in.
PASSWORD_HASHERS = [
    "apps.users.hashers.Argon2idHasher",
    "apps.users.hashers.BcryptHasher",
    "apps.users.hashers.BcryptSha256Hasher",
    "apps.users.hashers.Pbkdf2Hasher",
    "apps.users.hashers.Pbkdf2Sha1Hasher",
    "apps.users.hashers.ScryptHasher",
]
# OWASP's first choice for Argon2id. One hash takes 45–56 ms and 46 MiB on a 2 GHz core (19 MiB and two passes: 19–25 ms;
# Django's default of 100 MiB, two passes and eight lanes: 142–175 ms). Existing hashes follow at each one's next sign-in.
ARGON2_MEMORY_KIB = 47_104
ARGON2_TIME = 1
ARGON2_PARALLELISM = 1
# Hashes that one process computes at a time: what a flood of sign-ins can cost in memory is this times the above.
ARGON2_CONCURRENCY = 4
AUTHENTICATION_BACKENDS = ["apps.users.backends.PasswordBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("name", "email")},
    },
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "apps.users.validators.BreachedPasswordValidator"},
]

# Attempts, whether they succeed or not. Windows slide, so nothing is locked for longer than its window; "pair" is one
# account from one address, the only one that counts against an address from which the account was signed in to lately.
IDENTITY_LIMITS: dict[str, dict[str, tuple[str, ...]]] = {
    "login": {
        "address": ("60/minute", "600/hour"),
        "account": ("20/5 minutes",),
        "pair": ("10/minute", "60/hour"),
    },
    # Three of a million codes work at any moment: at this pace a thief of the password needs a year for even odds.
    "second_factor": {
        "address": ("60/10 minutes",),
        "account": ("30/hour",),
        "pair": ("5/5 minutes", "20/hour"),
    },
    "oidc": {"address": ("60/10 minutes",)},
    "export": {"account": ("5/hour",)},
    "resend": {"address": ("20/10 minutes",), "account": ("5/hour",), "pair": ("3/10 minutes",)},
    "email": {"address": ("20/hour",), "account": ("5/hour",)},
    # Sign-ins to the admin site, on top of "login".
    "site": {"address": ("20/10 minutes",)},
    "reset": {"address": ("20/10 minutes",), "account": ("5/hour",), "pair": ("3/10 minutes",)},
    "register": {"address": ("60/10 minutes",), "account": ("5/hour",)},
}
# The admin site: pages for one user, or for one anonymous address; the idle timeout and the lifetime of a session.
SITE_RATES = ("240/minute",)
SITE_IDLE_SECONDS = 1800
SITE_SESSION_SECONDS = 8 * 3600
VERIFICATION_LIFETIME = timedelta(days=2)
PROVIDER_SIGN_IN_LIFETIME = timedelta(minutes=10)
EMAIL_CHANGE_LIFETIME = timedelta(hours=12)
PASSWORD_RESET_LIFETIME = timedelta(hours=1)
AVATAR_MAX_PIXELS = 24_000_000
AVATAR_SIZE = 512

DEVELOPMENT: dict[str, Any] = {
    # The admin of the demo has a known password and no authenticator app.
    "ADMIN_SECOND_FACTOR": False,
    "JWT_KEYS": JWT_KEYS
    or (
        (
            "development",
            secrets.SAMPLE_EDDSA_KEY if JWT_ALGORITHM == keys.EDDSA else secrets.SAMPLE_JWT_KEY,
        ),
    ),
}
TEST: dict[str, Any] = {
    "ADMIN_SECOND_FACTOR": False,
    "JWT_KEYS": (("test", secrets.SAMPLE_JWT_KEY),),
    # The same algorithm as in production with its least cost: thousands of accounts are made in a run.
    "ARGON2_MEMORY_KIB": 8,
    "ARGON2_TIME": 1,
    "ARGON2_PARALLELISM": 1,
    # All tests sign in from one address; those about the limits set their own.
    "IDENTITY_LIMITS": {
        action: dict.fromkeys(counted, ("100000/minute",)) for action, counted in IDENTITY_LIMITS.items()
    },
}
