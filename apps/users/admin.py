"""Accounts, roles and sessions in Django's admin site. Changes go through the services of the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.common.callers import Caller, CallerKind
from apps.common.exceptions import DomainError
from apps.users import selectors, services
from apps.users.models import Role, Session, User
from apps.users.types import AccountChanges, RoleChanges

if TYPE_CHECKING:  # generic for mypy only
    UserModelAdmin = admin.ModelAdmin[User]
    SessionModelAdmin = admin.ModelAdmin[Session]
    RoleModelAdmin = admin.ModelAdmin[Role]
    RoleModelForm = forms.ModelForm[Role]
else:
    RoleModelForm = forms.ModelForm
    UserModelAdmin = SessionModelAdmin = RoleModelAdmin = admin.ModelAdmin

# Roles decide what an account may do; groups are not used.
admin.site.unregister(Group)


def _actor(request: HttpRequest) -> Caller:
    return Caller(kind=CallerKind.USER, user=request.user)


class RoleFilter(admin.SimpleListFilter):
    title = parameter_name = "role"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """All roles, the lowest first."""
        return list(Role.objects.values_list("code", "title"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> QuerySet[User]:
        return queryset.filter(role=self.value()) if self.value() else queryset


class RoleForm(RoleModelForm):
    """Permissions are chosen from those that the slices declare."""

    class Meta:
        model = Role
        fields = ("code", "title", "rank", "permissions")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "permissions" in self.fields:
            known = {*selectors.list_permissions(), *self.instance.permissions}
            self.fields["permissions"] = forms.MultipleChoiceField(
                choices=[(permission, permission) for permission in sorted(known)],
                widget=forms.CheckboxSelectMultiple,
                required=False,
            )


@admin.register(Role)
class RoleAdmin(RoleModelAdmin):
    """Uses the services of the API with their rules: roles below the actor's rank, permissions that the actor holds."""

    form = RoleForm
    list_display = ("title", "code", "rank", "permissions", "is_built_in", "updated_at")
    ordering = ("rank",)

    def get_readonly_fields(self, request: HttpRequest, obj: Role | None = None) -> tuple[str, ...]:
        """The code never changes, nor the rank of a built-in role."""
        if obj is None:
            return ()
        return ("code", "rank") if obj.is_built_in else ("code",)

    def has_change_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.code != Role.ADMIN)

    def has_delete_permission(self, request: HttpRequest, obj: Role | None = None) -> bool:
        return super().has_delete_permission(request, obj) and obj is not None and not obj.is_built_in

    def save_model(self, request: HttpRequest, obj: Role, form: forms.ModelForm[Role], change: Any) -> None:
        """Save through the service. A refusal is shown, and nothing is saved."""
        values: RoleChanges = {"title": obj.title, "rank": obj.rank, "permissions": obj.permissions}
        try:
            if change:
                services.update_role(actor=_actor(request), code=obj.code, changes=values)
            else:
                services.make_role(actor=_actor(request), code=obj.code, **values)
        except DomainError as error:
            messages.error(request, f"Nothing was changed. {error.detail}")

    def delete_model(self, request: HttpRequest, obj: Role) -> None:
        """Delete through the service. A refusal is shown, and nothing is deleted."""
        try:
            services.delete_role(actor=_actor(request), code=obj.code)
        except DomainError as error:
            messages.error(request, f"Nothing was deleted. {error.detail}")


@admin.register(User)
class UserAdmin(UserModelAdmin):
    """Name, role and activity can be changed. Registration or `manage.py createsuperuser` creates accounts."""

    list_display = ("email", "name", "role", "is_active", "email_verified_at", "created_at")
    list_filter = (RoleFilter, "is_active")
    search_fields = ("email", "name")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    fields = (
        "email",
        "name",
        "role",
        "is_active",
        "email_verified_at",
        "created_at",
        "updated_at",
        "erased_at",
    )
    readonly_fields = ("email", "email_verified_at", "created_at", "updated_at", "erased_at")
    actions = ("deactivate", "activate", "sign_out")

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        """Without columns that the site never shows."""
        return super().get_queryset(request).defer("password", "phone")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.erased_at is None)

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The role is a choice of existing roles."""
        if db_field.name == "role":
            roles = Role.objects.values_list("code", "title")
            return forms.ChoiceField(choices=list(roles))
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm[User], change: Any) -> None:
        """Save through the service. A refusal is shown, and nothing is saved."""
        changes: AccountChanges = {"name": obj.name, "role": obj.role, "is_active": obj.is_active}
        try:
            services.update_user(actor=_actor(request), user_id=obj.pk, changes=changes)
        except DomainError as error:
            messages.error(request, f"Nothing was changed. {error.detail}")

    @admin.action(description="Deactivate the selected accounts")
    def deactivate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End their sessions and refuse their sign-ins."""
        self._apply(request, queryset, services.deactivate_user)

    @admin.action(description="Activate the selected accounts")
    def activate(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """Allow them to sign in again."""
        self._apply(request, queryset, services.activate_user)

    @admin.action(description="End all sessions of the selected accounts")
    def sign_out(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        """End all of their sessions."""
        self._apply(request, queryset, services.revoke_all_sessions_of)

    def _apply(self, request: HttpRequest, queryset: QuerySet[User], service: Any) -> None:
        for user in queryset:
            try:
                service(actor=_actor(request), user_id=user.pk)
            except DomainError as error:
                messages.error(request, f"{user}: {error.detail}")
            else:
                messages.success(request, f"{user}: done.")


@admin.register(Session)
class SessionAdmin(SessionModelAdmin):
    """Lists sessions and ends them."""

    list_display = ("user", "user_agent", "network", "created_at", "last_seen_at", "ended_at", "end_reason")
    list_filter = ("end_reason",)
    list_select_related = ("user",)
    search_fields = ("user__email", "user__name")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    actions = ("end",)

    @admin.action(description="End the selected sessions", permissions=["view"])
    def end(self, request: HttpRequest, queryset: QuerySet[Session]) -> None:
        """Effective from the next request on. Ended ones stay as they are."""
        for user_id, session_id in queryset.values_list("user_id", "pk"):
            try:
                services.revoke_session_of(actor=_actor(request), user_id=user_id, session_id=session_id)
            except DomainError as error:
                messages.error(request, f"Session {session_id}: {error.detail}")
            else:
                messages.success(request, f"Session {session_id}: ended.")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Session]:
        """Without columns that the site never shows."""
        return super().get_queryset(request).defer("user__password", "user__phone")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Session | None = None) -> bool:
        return False
