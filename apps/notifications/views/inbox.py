"""Zone private: the caller's notifications and preferences."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.db.models import QuerySet
from rest_framework import serializers

from apps.common.http import fields
from apps.common.http.operation import ApiRequest, View, operation
from apps.notifications import exceptions, selectors, services
from apps.notifications.filters import NotificationFilter
from apps.notifications.models import KIND_LENGTH, Digest, Inbox, Notification
from apps.notifications.serializers import NotificationOutput, SummaryOutput
from apps.notifications.types import Summary, declared_kinds


class NotificationsView(View, tag="Notifications"):
    @operation(
        "notifications_list", "List your notifications", page=NotificationOutput, filters=NotificationFilter
    )
    def get(self, request: ApiRequest) -> QuerySet[Notification]:
        """The newest first."""
        return selectors.list_notifications(user_id=request.caller.user.pk)


class SummaryView(View, tag="Notifications"):
    @operation("notifications_summary", "Count unread notifications", answers=SummaryOutput)
    def get(self, request: ApiRequest) -> Summary:
        """Also returns the number of the newest notification, after which a stream can start."""
        return selectors.get_summary(user_id=request.caller.user.pk)


class ReadView(View, tag="Notifications"):
    @operation(
        "notifications_read",
        "Mark a notification as read",
        answers=SummaryOutput,
        failures=[exceptions.NotificationNotFound],
    )
    def post(self, request: ApiRequest, notification_id: UUID) -> Summary:
        """Returns what is left unread."""
        return services.mark_read(actor_id=request.caller.user.pk, notification_id=notification_id)


class ReadAllView(View, tag="Notifications"):
    class ReadAllInput(fields.Input):
        """The notifications to mark: all, or those up to a number."""

        up_to = serializers.IntegerField(min_value=0, max_value=2**63 - 1, required=False)

    @operation(
        "notifications_read_all", "Mark all notifications as read", body=ReadAllInput, answers=SummaryOutput
    )
    def post(self, request: ApiRequest, *, up_to: int | None = None) -> Summary:
        """With `up_to`, newer notifications stay unread. Returns what is left unread."""
        return services.mark_all_read(actor_id=request.caller.user.pk, up_to=up_to)


class PreferencesOutput(serializers.Serializer[Inbox]):
    """Preferences, and the kinds to choose from."""

    digest = serializers.ChoiceField(choices=Digest.choices)
    muted_kinds = serializers.ListField(child=serializers.CharField())
    kinds = serializers.SerializerMethodField()

    def get_kinds(self, inbox: Inbox) -> list[dict[str, str]]:
        return [{"code": kind.code, "title": kind.title} for kind in declared_kinds()]


class PreferencesView(View, tag="Notifications"):
    class PreferencesInput(fields.Input):
        """Preferences; omitted fields are not changed."""

        digest = serializers.ChoiceField(choices=Digest.choices, required=False)
        muted_kinds = serializers.ListField(
            child=fields.TextField(max_length=KIND_LENGTH), max_length=100, required=False
        )

        def validate_muted_kinds(self, codes: list[str]) -> list[str]:
            if unknown := set(codes) - {kind.code for kind in declared_kinds()}:
                raise serializers.ValidationError(f"There is no kind {min(unknown)!r}.", code="kind_unknown")
            return codes

    @operation("notifications_preferences", "Get your preferences", answers=PreferencesOutput)
    def get(self, request: ApiRequest) -> Inbox:
        """Includes the kinds to choose from."""
        return selectors.get_inbox(user_id=request.caller.user.pk)

    @operation(
        "notifications_preferences_update",
        "Change your preferences",
        body=PreferencesInput,
        answers=PreferencesOutput,
    )
    def patch(
        self, request: ApiRequest, *, digest: str | None = None, muted_kinds: Sequence[str] | None = None
    ) -> Inbox:
        """How often a digest is sent, and which kinds are muted."""
        return services.set_preferences(
            actor_id=request.caller.user.pk, digest=digest, muted_kinds=muted_kinds
        )
