"""Errors of accounts, sign-ins and tokens."""

from __future__ import annotations

from collections.abc import Iterable

from apps.common.exceptions import (
    Conflict,
    Denied,
    FieldError,
    InvalidInput,
    NotAuthenticated,
    NotFound,
    TooManyRequests,
    Unavailable,
)
from apps.users import email_addresses

InvalidEmail = email_addresses.InvalidEmail


class EmailTaken(Conflict):
    """The address has an account."""

    code = "email_taken"
    detail = "An account with this address exists."


class InvalidCredentials(NotAuthenticated):
    """Sign-in failed. Callers must not learn whether the address or the password was wrong."""

    code = "invalid_credentials"
    detail = "E-mail address or password is wrong."


class TicketRefused(NotAuthenticated):
    """The ticket is unknown, expired or used."""

    code = "ticket_invalid"
    detail = "The ticket is not valid. It opens one connection within 30 seconds."


class AccessTokenRefused(NotAuthenticated):
    """The bearer token is malformed, or its signature or claims are invalid."""

    code = "token_invalid"
    detail = "The access token is not valid."


class AccessTokenExpired(NotAuthenticated):
    """The bearer token has expired. Clients refresh it."""

    code = "token_expired"
    detail = "The access token has expired."


class SessionEnded(NotAuthenticated):
    """The token is valid, but its session has ended or its account is not active."""

    code = "session_ended"
    detail = "This session has ended. Sign in again."


class RefreshTokenRefused(NotAuthenticated):
    """The refresh token is unknown, expired, used, or of a session that has ended."""

    code = "refresh_token_invalid"
    detail = "The refresh token is not valid. Sign in again."


class OneTimeTokenRefused(InvalidInput):
    """The link of a mail is unknown, expired or used."""

    code = "token_unusable"
    detail = "This link is not valid any more. Request a new one."


class PasswordRefused(InvalidInput):
    """A new password breaks rules of length or strength; `errors` names them."""

    code = "password_refused"
    detail = "Choose another password."


class WrongPassword(Denied):
    """The current password, required again for this action, is wrong."""

    code = "wrong_password"
    detail = "The current password is wrong."


class EmailUnchanged(Conflict):
    """The account has this address already."""

    code = "email_unchanged"
    detail = "This is the address of your account already."


class ProviderUnknown(NotFound):
    """No provider of this name is configured."""

    code = "provider_unknown"
    detail = "There is no such provider."


class ProviderUnavailable(Unavailable):
    """The provider does not answer."""

    code = "provider_unavailable"
    detail = "The provider does not answer. Try again later."


class ProviderSignInRefused(NotAuthenticated):
    """The provider's response is invalid, or the account is not active."""

    code = "provider_sign_in_refused"
    detail = "Signing in with this provider failed. Begin again."


class ProviderEmailUnverified(Denied):
    """The provider has not verified an address, and no account is created without one."""

    code = "provider_email_unverified"
    detail = "The provider has not verified your e-mail address."


class AccountExists(Conflict):
    """The address has an account. Only its owner can link the identity, after signing in to it."""

    code = "account_exists"
    detail = "An account with this address exists. Sign in to it, and link the provider there."


class IdentityTaken(Conflict):
    """This identity is linked to an account already."""

    code = "identity_taken"
    detail = "This identity is linked to an account already."


class IdentityNotFound(NotFound):
    """The caller has no such identity."""

    code = "identity_not_found"
    detail = "There is no such identity."


class LastWayIn(Conflict):
    """Without this identity the account has no way to sign in."""

    code = "last_way_in"
    detail = "This is the only way into your account. Set a password first."


class SignInStale(Denied):
    """The account has no password to check, and the sign-in is too old to replace that check."""

    code = "sign_in_stale"
    detail = "Sign in again to do this."


class SecondFactorEnabled(Conflict):
    """The account has a second factor. Disable it before setting up another one."""

    code = "second_factor_enabled"
    detail = "Your account has a second factor already."


class SecondFactorMissing(Conflict):
    """The account has no second factor."""

    code = "second_factor_missing"
    detail = "Your account has no second factor to do this with."


class WrongCode(Denied):
    """The code is neither a current, unused code of the authenticator app nor a recovery code."""

    code = "wrong_code"
    detail = "This code is wrong, or was used already."


class SecondFactorRefused(NotAuthenticated):
    """The code of the second factor is wrong or used."""

    code = "second_factor_refused"
    detail = "This code is wrong, or was used already."


class ChallengeRefused(NotAuthenticated):
    """The pending sign-in is unknown, expired or completed."""

    code = "challenge_invalid"
    detail = "This sign-in is over. Begin again with your password."


class AvatarRefused(InvalidInput):
    """The upload is not an image of an accepted format and size."""

    code = "avatar_refused"
    detail = "Upload a JPEG, PNG, WebP or GIF image."


class UserNotFound(NotFound):
    """The account does not exist, or the caller may not learn that it does."""

    code = "user_not_found"
    detail = "There is no such account."


class SessionNotFound(NotFound):
    """The caller has no such session, or it has ended."""

    code = "session_not_found"
    detail = "There is no such session."


class RankTooLow(Denied):
    """The account or role ranks too high for the actor."""

    code = "rank_too_low"
    detail = "This is above your own role."


class PermissionNotHeld(Denied):
    """Actors grant only permissions that they hold."""

    code = "permission_not_held"
    detail = "You can grant only what your own role holds."


class RoleNotFound(NotFound):
    """The role does not exist, or the caller may not list roles."""

    code = "role_not_found"
    detail = "There is no such role."


class RoleUnknown(InvalidInput):
    """The role to assign does not exist."""

    def __init__(self) -> None:
        super().__init__(
            errors=[FieldError(field="role", code="role_unknown", detail="There is no such role.")]
        )


class PermissionUnknown(InvalidInput):
    """No slice declares the permission to grant."""

    def __init__(self, permissions: Iterable[str]) -> None:
        super().__init__(
            errors=[
                FieldError(
                    field="permissions", code="permission_unknown", detail=f"There is no {permission!r}."
                )
                for permission in permissions
            ]
        )


class RoleTaken(Conflict):
    """Another role has this code or this rank."""

    code = "role_taken"
    detail = "Another role has this code or rank."


class RoleInUse(Conflict):
    """Accounts have this role."""

    code = "role_in_use"
    detail = "Accounts have this role. Give them another one first."


class RoleBuiltIn(Conflict):
    """The project depends on this role."""

    code = "role_built_in"
    detail = "This role is built in: it stays, and so does its rank."


class OwnAccount(Conflict):
    """Admins cannot lock themselves out."""

    code = "own_account"
    detail = "You cannot do this to your own account."


class LastAdmin(Conflict):
    """No active admin would remain."""

    code = "last_admin"
    detail = "This is the last admin. Make another account an admin first."


class TooManyAttempts(TooManyRequests):
    """Too many sign-ins, registrations or mails, counted by address and by account."""

    code = "too_many_attempts"
    detail = "Too many attempts. Try again later."
