"""What can go wrong with accounts, sign-ins and tokens."""

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
    """The address is registered already."""

    code = "email_taken"
    detail = "An account with this address exists."


class InvalidCredentials(NotAuthenticated):
    """Sign-in failed; which part of it is nobody's business."""

    code = "invalid_credentials"
    detail = "E-mail address or password is wrong."


class TicketRefused(NotAuthenticated):
    """The ticket was used, has expired, or never was one."""

    code = "ticket_invalid"
    detail = "The ticket is not valid. It opens one connection within 30 seconds."


class AccessTokenRefused(NotAuthenticated):
    """The bearer token is none of ours."""

    code = "token_invalid"
    detail = "The access token is not valid."


class AccessTokenExpired(NotAuthenticated):
    """The bearer token's time is over; a refresh gets a new one."""

    code = "token_expired"
    detail = "The access token has expired."


class SessionEnded(NotAuthenticated):
    """The token is genuine, and its session or account no longer is."""

    code = "session_ended"
    detail = "This session has ended. Sign in again."


class RefreshTokenRefused(NotAuthenticated):
    """The refresh token is unknown, expired, of an ended session, or was used before."""

    code = "refresh_token_invalid"
    detail = "The refresh token is not valid. Sign in again."


class OneTimeTokenRefused(InvalidInput):
    """The link of a mail is unknown, expired or was followed before."""

    code = "token_unusable"
    detail = "This link is not valid any more. Ask for a new one."


class PasswordRefused(InvalidInput):
    """A new password is too short, too long, or too easy to guess; `errors` say which."""

    code = "password_refused"
    detail = "Choose another password."


class WrongPassword(Denied):
    """The current password, asked for once more, is not right."""

    code = "wrong_password"
    detail = "The current password is wrong."


class EmailUnchanged(Conflict):
    """The account has this address already."""

    code = "email_unchanged"
    detail = "This is the address of your account already."


class ProviderUnknown(NotFound):
    """Nobody signs in here with this provider."""

    code = "provider_unknown"
    detail = "There is no such provider."


class ProviderUnavailable(Unavailable):
    """The provider does not answer."""

    code = "provider_unavailable"
    detail = "The provider does not answer. Try again later."


class ProviderSignInRefused(NotAuthenticated):
    """What came back from the provider proves nothing, or the account is not active."""

    code = "provider_sign_in_refused"
    detail = "Signing in with this provider failed. Begin again."


class ProviderEmailUnverified(Denied):
    """The provider does not vouch for an e-mail address, without which no account is made."""

    code = "provider_email_unverified"
    detail = "The provider has not verified your e-mail address."


class AccountExists(Conflict):
    """The address has an account, which only its owner can link: nobody takes it over by what a provider says."""

    code = "account_exists"
    detail = "An account with this address exists. Sign in to it, and link the provider there."


class IdentityTaken(Conflict):
    """This identity opens an account already."""

    code = "identity_taken"
    detail = "This identity is linked to an account already."


class IdentityNotFound(NotFound):
    """The caller has no such identity."""

    code = "identity_not_found"
    detail = "There is no such identity."


class LastWayIn(Conflict):
    """Without this identity nobody could sign in to the account."""

    code = "last_way_in"
    detail = "This is the only way into your account. Set a password first."


class SignInStale(Denied):
    """The account has no password to ask for once more, and its sign-in is not fresh enough to stand in for it."""

    code = "sign_in_stale"
    detail = "Sign in again to do this."


class SecondFactorEnabled(Conflict):
    """There is a second factor already; switch it off to set up another one."""

    code = "second_factor_enabled"
    detail = "Your account has a second factor already."


class SecondFactorMissing(Conflict):
    """There is no second factor that this could be done with."""

    code = "second_factor_missing"
    detail = "Your account has no second factor to do this with."


class WrongCode(Denied):
    """The code is not the authenticator app's, was used before, or is no recovery code."""

    code = "wrong_code"
    detail = "This code is wrong, or was used already."


class SecondFactorRefused(NotAuthenticated):
    """Signing in failed at the second factor."""

    code = "second_factor_refused"
    detail = "This code is wrong, or was used already."


class ChallengeRefused(NotAuthenticated):
    """The sign-in that this goes on with is unknown, took too long, or is done."""

    code = "challenge_invalid"
    detail = "This sign-in is over. Begin again with your password."


class AvatarRefused(InvalidInput):
    """The upload is not an image of a kind and size that is taken."""

    code = "avatar_refused"
    detail = "Upload a JPEG, PNG, WebP or GIF image."


class UserNotFound(NotFound):
    """There is no such account, or the caller may not know that there is."""

    code = "user_not_found"
    detail = "There is no such account."


class SessionNotFound(NotFound):
    """The caller has no such session, or it has ended."""

    code = "session_not_found"
    detail = "There is no such session."


class RankTooLow(Denied):
    """The account or role is above the caller's own rank."""

    code = "rank_too_low"
    detail = "This is above your own role."


class PermissionNotHeld(Denied):
    """Nobody grants what they do not hold themselves."""

    code = "permission_not_held"
    detail = "You can grant only what your own role holds."


class RoleNotFound(NotFound):
    """There is no such role, or the caller has nothing to do with roles."""

    code = "role_not_found"
    detail = "There is no such role."


class RoleUnknown(InvalidInput):
    """An account is to get a role that is not there."""

    def __init__(self) -> None:
        super().__init__(
            errors=[FieldError(field="role", code="role_unknown", detail="There is no such role.")]
        )


class PermissionUnknown(InvalidInput):
    """A role is to hold what no slice declares."""

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
    """The project counts on this role."""

    code = "role_built_in"
    detail = "This role is built in: it stays, and so does its rank."


class OwnAccount(Conflict):
    """An admin would shut themselves out."""

    code = "own_account"
    detail = "You cannot do this to your own account."


class LastAdmin(Conflict):
    """Nobody could administer anything any more."""

    code = "last_admin"
    detail = "This is the last admin. Make another account an admin first."


class TooManyAttempts(TooManyRequests):
    """Too many sign-ins, registrations or mails, counted by address and by account."""

    code = "too_many_attempts"
    detail = "Too many attempts. Try again later."
