"""Zone public: registration."""

from __future__ import annotations

from apps.common.http import fields
from apps.common.http.operation import Answer, ApiRequest, View, operation
from apps.users import exceptions, services
from apps.users.hashers import HashingBusy
from apps.users.models import NAME_LENGTH, User
from apps.users.serializers import (
    CHECK_MAIL,
    AcceptedOutput,
    AddressField,
    RegistrationOutput,
    SecretField,
)
from apps.users.views.device import device_of


class RegisterView(View, tag="auth"):
    class RegistrationInput(fields.Input):
        email = AddressField()
        name = fields.LineField(max_length=NAME_LENGTH)
        # Its rules, length included, are the service's: all that it breaks are named at once.
        password = SecretField(help_text="12 to 128 characters.")

    @operation(
        "auth_register",
        "Register an account",
        body=RegistrationInput,
        answers={
            201: RegistrationOutput,
            202: (AcceptedOutput, "Registration is uniform: the mail says what happened."),
        },
        failures=[exceptions.EmailTaken, exceptions.PasswordRefused, exceptions.TooManyAttempts, HashingBusy],
    )
    def post(self, request: ApiRequest, *, email: str, name: str, password: str) -> User | Answer:
        """The user gets a mail with a link that verifies the address, and can sign in at once."""
        user = services.register_user(email=email, name=name, password=password, device=device_of(request))
        return user or Answer(202, CHECK_MAIL)
