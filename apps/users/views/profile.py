"""Zone private: the caller's account, its picture and its data; other accounts, for callers who may see them."""

from __future__ import annotations

import re
from typing import IO, Final, Unpack
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.common.http.parsers import UploadParser
from apps.users import exceptions, selectors, services
from apps.users.hashers import HashingBusy
from apps.users.models import NAME_LENGTH, PHONE_LENGTH, User
from apps.users.serializers import (
    CODE_LENGTH,
    AccountOutput,
    OwnerInput,
    PhoneField,
    SecretField,
)
from apps.users.types import ProfileChanges
from apps.users.views.device import device_of

_PHONE: Final = re.compile(r"\A\+?[0-9][0-9 ()./-]{3,30}\Z")


class MeOutput(AccountOutput):
    """The caller's account."""

    phone = serializers.CharField(allow_null=True)


class MeView(View, tag="account"):
    class ProfileInput(fields.Input):
        """Fields that are left out stay."""

        name = fields.LineField(max_length=NAME_LENGTH, required=False)
        phone = PhoneField(max_length=PHONE_LENGTH, required=False, allow_null=True, allow_blank=True)

        def validate_phone(self, phone: str | None) -> str | None:
            """Digits with the usual separators; an empty text removes the number."""
            if phone and not _PHONE.match(phone):
                raise serializers.ValidationError(
                    "Enter a phone number, like +44 20 7946 0958.", code="invalid_phone"
                )
            return phone or None

    @operation("users_me", "Get your account", answers=MeOutput)
    def get(self, request: ApiRequest) -> User:
        return request.caller.user  # type: ignore[no-any-return]  # callers know no slice

    @operation("users_me_update", "Change your account", body=ProfileInput, answers=MeOutput)
    def patch(self, request: ApiRequest, **changes: Unpack[ProfileChanges]) -> User:
        return services.update_profile(actor=request.caller, changes=changes)

    class ErasureInput(OwnerInput):
        """`DELETE users/me/`: proof of ownership, and whether posted content is erased."""

        code = SecretField(
            max_length=CODE_LENGTH,
            required=False,
            default="",
            allow_blank=True,
            help_text="A code of the second factor; taken instead of the password.",
        )
        with_content = fields.BooleanField(
            default=False,
            help_text="Erase texts and files that the account posted. They stay under the name of a deleted account"
            " otherwise.",
        )

    @operation(
        "users_me_erase",
        "Erase the caller's account",
        body=ErasureInput,
        failures=[
            exceptions.LastAdmin,
            exceptions.SecondFactorMissing,
            exceptions.SignInStale,
            exceptions.TooManyAttempts,
            exceptions.WrongCode,
            exceptions.WrongPassword,
            HashingBusy,
        ],
    )
    def delete(self, request: ApiRequest, *, current_password: str, code: str, with_content: bool) -> None:
        """The account is switched off and its sessions end at once. It is erased after a grace period
        (`ERASURE_GRACE_DAYS`), within which signing in keeps it.
        """
        services.request_erasure(
            actor=request.caller,
            current_password=current_password,
            code=code,
            with_content=with_content,
            device=device_of(request),
        )


class ExportView(View, tag="account"):
    @operation(
        "users_me_export",
        "Download everything stored about you",
        answers={200: (OpenApiTypes.OBJECT, "The file, streamed.")},
        failures=[exceptions.TooManyAttempts],
    )
    def get(self, request: ApiRequest) -> StreamingHttpResponse:
        """One JSON object with a member for each part of the product."""
        return StreamingHttpResponse(
            services.export_data(actor=request.caller, device=device_of(request)),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="{request.caller.user.pk}.json"'},
        )


class AvatarView(View, tag="account"):
    parser_classes = (UploadParser,)

    class AvatarInput(fields.Input):
        """Sent as `multipart/form-data`. The type of the file is read from its content."""

        avatar = serializers.FileField(max_length=255, help_text="JPEG, PNG, WebP or GIF; no animation.")

    @operation(
        "users_me_avatar_set",
        "Set your picture",
        body=AvatarInput,
        answers=MeOutput,
        failures=[exceptions.AvatarRefused],
    )
    def put(self, request: ApiRequest, *, avatar: IO[bytes]) -> User:
        """The middle square of the image is encoded again, without metadata."""
        return services.set_avatar(actor=request.caller, file=avatar)

    @operation("users_me_avatar_remove", "Remove your picture")
    def delete(self, request: ApiRequest) -> None:
        services.remove_avatar(actor=request.caller)


class UserView(View, tag="account"):
    @operation(
        "users_get",
        "Get an account",
        answers=AccountOutput,
        failures=[exceptions.UserNotFound],
    )
    def get(self, request: ApiRequest, user_id: UUID) -> User:
        """For its owner and for admins. Any other caller gets a 404, whether or not the account exists."""
        return selectors.get_user_for(actor=request.caller, user_id=user_id)
