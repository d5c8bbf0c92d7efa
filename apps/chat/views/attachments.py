"""Files: in before a message is posted with them, out to members."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import FileResponse, HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.chat import exceptions, selectors, services
from apps.chat.serializers import AttachmentOutput, FileInput
from apps.common.exceptions import raises
from apps.common.http.parsers import UploadParser
from apps.common.http.permissions import caller_of
from infrastructure import storage

TAGS = ["Attachments"]
# Whatever somebody managed to upload: it is looked at or saved, never run.
_POLICY: Final = "default-src 'none'; sandbox"


class AttachmentsView(APIView):
    """Uploads to a room."""

    parser_classes = (UploadParser,)

    @extend_schema(
        operation_id="chat_attachments_upload",
        tags=TAGS,
        summary="Upload a file for a message",
        request={"multipart/form-data": FileInput},
        responses={201: AttachmentOutput},
    )
    @raises(
        exceptions.RoomNotFound,
        exceptions.NotAMember,
        exceptions.Muted,
        exceptions.FileNotTaken,
        exceptions.TooManyUploads,
        exceptions.TooOften,
    )
    def post(self, request: Request, slug: str) -> Response:
        """Then post a message that names its id. What it is, is found by its content; images are written anew."""
        data = FileInput(data=request.data)
        data.is_valid(raise_exception=True)
        file = data.validated_data["file"]
        attachment = services.upload_file(
            actor_id=caller_of(request).user.pk, slug=slug, file=file, name=file.name
        )
        return Response(AttachmentOutput(attachment).data, status=201)


class AttachmentView(APIView):
    """One file."""

    @extend_schema(
        operation_id="chat_attachments_download",
        tags=TAGS,
        summary="Download a file",
        # The type is the file's own: one that clients have a decoder for, and any other.
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            (200, "*/*"): OpenApiTypes.BINARY,
        },
    )
    @raises(exceptions.RoomNotFound, exceptions.NotAMember, exceptions.AttachmentNotFound)
    def get(self, request: Request, slug: str, attachment_id: UUID) -> HttpResponseBase:
        """For members of the room; always as a download, with the type that was found."""
        attachment = selectors.get_attachment(
            user_id=caller_of(request).user.pk, slug=slug, attachment_id=attachment_id
        )
        try:
            file = storage.files.open_file(attachment.file)
        except FileNotFoundError:
            raise exceptions.AttachmentNotFound from None
        return FileResponse(
            file,
            as_attachment=True,
            filename=attachment.name,
            content_type=attachment.type,
            headers={
                "Content-Security-Policy": _POLICY,
                "X-Content-Type-Options": "nosniff",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Cache-Control": "private, max-age=300",
            },
        )
