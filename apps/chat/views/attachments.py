"""Upload and download of files in rooms."""

from __future__ import annotations

from typing import IO, Final
from uuid import UUID

from django.http import FileResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

from apps.chat import exceptions, selectors, services
from apps.chat.models import Attachment
from apps.chat.serializers import AttachmentOutput
from apps.common.http import fields, media
from apps.common.http.operation import ApiRequest, View, operation
from apps.common.http.parsers import UploadParser
from infrastructure import storage

# Browsers display or save an upload and never run it.
_POLICY: Final = "default-src 'none'; sandbox"


class AttachmentsView(View, tag="Attachments"):
    parser_classes = (UploadParser,)

    class FileInput(fields.Input):
        """A file to upload, as multipart/form-data."""

        file = serializers.FileField(max_length=255)

    @operation(
        "chat_attachments_upload",
        "Upload a file for a message",
        body=FileInput,
        answers={201: AttachmentOutput},
        failures=[
            *exceptions.MEMBERS_ONLY,
            exceptions.Muted,
            exceptions.FileNotTaken,
            exceptions.TooManyUploads,
            exceptions.TooOften,
        ],
    )
    def post(self, request: ApiRequest, slug: str, *, file: IO[bytes]) -> Attachment:
        """Then post a message that names its id. Its type is detected from its content; images are encoded again."""
        return services.upload_file(actor_id=request.caller.user.pk, slug=slug, file=file, name=file.name)


class AttachmentView(View, tag="Attachments"):
    @operation(
        "chat_attachments_download",
        "Download a file",
        # The file's own type, whether or not clients have a decoder for it.
        answers={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (200, "*/*"): OpenApiTypes.BINARY,
            (206, "*/*"): (OpenApiTypes.BINARY, "The range requested by `Range`."),
        },
        failures=[*exceptions.MEMBERS_ONLY, exceptions.AttachmentNotFound, media.RangeNotSatisfiable],
    )
    def get(self, request: ApiRequest, slug: str, attachment_id: UUID) -> HttpResponseBase:
        """For members of the room; always as a download, with the detected type. `Range` and `If-Range` are honored."""
        attachment = selectors.get_attachment(
            user_id=request.caller.user.pk, slug=slug, attachment_id=attachment_id
        )
        try:
            file = storage.files.open_file(attachment.file)
        except FileNotFoundError:
            raise exceptions.AttachmentNotFound from None
        response = FileResponse(
            file,
            as_attachment=True,
            filename=attachment.name,
            content_type=attachment.type,
            headers={
                "Content-Security-Policy": _POLICY,
                "X-Content-Type-Options": "nosniff",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Cache-Control": "private, max-age=300",
                # The content of an id never changes.
                "ETag": f'"{attachment.pk.hex}"',
            },
        )
        return media.partial(request, response)
