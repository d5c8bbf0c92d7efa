"""Zone admin: roles, and what they can be granted."""

from __future__ import annotations

from typing import cast

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import status
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.common.exceptions import raises
from apps.common.http.permissions import caller_of
from apps.users import exceptions, selectors, serializers, services
from apps.users.models import Role
from apps.users.types import RoleChanges
from apps.users.views import request_data

_TAGS = ["roles"]
_REFUSALS = (
    exceptions.RoleNotFound,
    exceptions.RankTooLow,
    exceptions.PermissionNotHeld,
    exceptions.PermissionUnknown,
    exceptions.RoleTaken,
)


class Roles(ListAPIView[Role]):
    """`roles/`."""

    queryset = Role.objects.none()
    serializer_class = serializers.RoleOutput
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Role]:
        """As far as the caller has to do with them."""
        return selectors.list_roles(actor=caller_of(self.request))

    @extend_schema(operation_id="roles_list", tags=_TAGS, summary="The roles, the lowest first")
    def get(self, request: Request) -> Response:
        """200 with a page."""
        return self.list(request)

    @extend_schema(
        operation_id="roles_make",
        tags=_TAGS,
        summary="Make a role",
        description="Below one's own, with permissions that one holds.",
        request=serializers.RoleInput,
        responses={201: serializers.RoleOutput},
    )
    @raises(*_REFUSALS)
    def post(self, request: Request) -> Response:
        """201 with the role."""
        data = request_data.body(serializers.RoleInput, request)
        role = services.make_role(actor=caller_of(request), **data)
        return Response(serializers.RoleOutput(role).data, status=status.HTTP_201_CREATED)


class OneRole(APIView):
    """`roles/{code}/`."""

    @extend_schema(operation_id="roles_get", tags=_TAGS, summary="A role", responses=serializers.RoleOutput)
    @raises(exceptions.RoleNotFound)
    def get(self, request: Request, code: str) -> Response:
        """200."""
        role = selectors.get_role(actor=caller_of(request), code=code)
        return Response(serializers.RoleOutput(role).data)

    @extend_schema(
        operation_id="roles_update",
        tags=_TAGS,
        summary="Change a role",
        description="It counts from the next request of everyone who has it, or a role above it.",
        request=serializers.RoleChangesInput(partial=True),
        responses=serializers.RoleOutput,
    )
    @raises(*_REFUSALS, exceptions.RoleBuiltIn)
    def patch(self, request: Request, code: str) -> Response:
        """200 with the changed role."""
        changes = request_data.body(serializers.RoleChangesInput, request, partial=True)
        role = services.update_role(actor=caller_of(request), code=code, changes=cast("RoleChanges", changes))
        return Response(serializers.RoleOutput(role).data)

    @extend_schema(
        operation_id="roles_delete",
        tags=_TAGS,
        summary="Delete a role that no account has",
        responses={204: OpenApiResponse(description="Done.")},
    )
    @raises(exceptions.RoleNotFound, exceptions.RankTooLow, exceptions.RoleBuiltIn, exceptions.RoleInUse)
    def delete(self, request: Request, code: str) -> Response:
        """204."""
        services.delete_role(actor=caller_of(request), code=code)
        return Response(status=status.HTTP_204_NO_CONTENT)


class Permissions(APIView):
    """`permissions/`."""

    @extend_schema(
        operation_id="permissions_list",
        tags=_TAGS,
        summary="What a role can be granted",
        responses=serializers.PermissionsOutput,
    )
    def get(self, request: Request) -> Response:
        """200."""
        return Response(serializers.PermissionsOutput({"permissions": selectors.list_permissions()}).data)
