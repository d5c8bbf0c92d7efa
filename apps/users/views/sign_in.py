"""Zone public: signing in with a password, and with a second factor."""

from __future__ import annotations

from typing import Final

from apps.common.http import fields
from apps.common.http.operation import Answer, ApiRequest, View, operation
from apps.users import exceptions, services
from apps.users.email_addresses import MAX_LENGTH as EMAIL_LENGTH
from apps.users.hashers import HashingBusy
from apps.users.serializers import (
    CODE_LENGTH,
    TOKEN_LENGTH,
    ChallengeOutput,
    SecretField,
    TokenPairOutput,
)
from apps.users.services.password_rules import MAX_TYPED
from apps.users.types import Challenge, TokenPair
from apps.users.views.device import device_of

SIGNED_IN: Final = {200: TokenPairOutput, 202: (ChallengeOutput, "A second factor is due.")}


def signed_in(outcome: TokenPair | Challenge) -> Answer:
    """200 with tokens, or 202 with a challenge."""
    return Answer(202 if isinstance(outcome, Challenge) else 200, outcome)


class LoginView(View, tag="auth"):
    class LoginInput(fields.Input):
        """Text that is not an address is answered like an address without an account."""

        email = fields.LineField(max_length=EMAIL_LENGTH)
        password = SecretField(max_length=MAX_TYPED)

    @operation(
        "auth_login",
        "Sign in",
        body=LoginInput,
        answers=SIGNED_IN,
        failures=[exceptions.InvalidCredentials, exceptions.TooManyAttempts, HashingBusy],
    )
    def post(self, request: ApiRequest, *, email: str, password: str) -> Answer:
        """An account with a second factor gets a challenge: continue at `auth/login/second-factor/`."""
        return signed_in(services.login(email=email, password=password, device=device_of(request)))


class LoginSecondFactorView(View, tag="auth"):
    class SecondFactorLoginInput(fields.Input):
        challenge = SecretField(max_length=TOKEN_LENGTH)
        code = SecretField(max_length=CODE_LENGTH, help_text="Of the authenticator app, or a recovery code.")

    @operation(
        "auth_login_second_factor",
        "Finish signing in with a second factor",
        body=SecondFactorLoginInput,
        answers=TokenPairOutput,
        failures=[exceptions.ChallengeRefused, exceptions.SecondFactorRefused, exceptions.TooManyAttempts],
    )
    def post(self, request: ApiRequest, *, challenge: str, code: str) -> TokenPair:
        """A wrong code does not use up the challenge; a correct one does."""
        return services.complete_login(challenge=challenge, code=code, device=device_of(request))
