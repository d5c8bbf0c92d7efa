"""Routes of the slice by zone."""

from __future__ import annotations

from django.urls import path

from apps.chat.views import attachments, invitations, members, messages, moderation, rooms

zones = {
    "private": [
        path("chat/rooms/", rooms.RoomsView.as_view(), name="rooms"),
        path("chat/rooms/<slug:slug>/", rooms.RoomView.as_view(), name="room"),
        path("chat/rooms/<slug:slug>/join/", members.JoinView.as_view(), name="join"),
        path("chat/rooms/<slug:slug>/leave/", members.LeaveView.as_view(), name="leave"),
        path("chat/rooms/<slug:slug>/members/", members.MembersView.as_view(), name="members"),
        path("chat/rooms/<slug:slug>/members/<uuid:user_id>/", members.MemberView.as_view(), name="member"),
        path(
            "chat/rooms/<slug:slug>/members/<uuid:user_id>/mute/", moderation.MuteView.as_view(), name="mute"
        ),
        path("chat/rooms/<slug:slug>/bans/", moderation.BansView.as_view(), name="bans"),
        path("chat/rooms/<slug:slug>/bans/<uuid:user_id>/", moderation.BanView.as_view(), name="ban"),
        path("chat/rooms/<slug:slug>/messages/", messages.MessagesView.as_view(), name="messages"),
        path("chat/rooms/<slug:slug>/messages/search/", messages.SearchView.as_view(), name="search"),
        path(
            "chat/rooms/<slug:slug>/messages/<uuid:message_id>/",
            messages.MessageView.as_view(),
            name="message",
        ),
        path("chat/rooms/<slug:slug>/read/", members.ReadView.as_view(), name="read"),
        path(
            "chat/rooms/<slug:slug>/attachments/", attachments.AttachmentsView.as_view(), name="attachments"
        ),
        path(
            "chat/rooms/<slug:slug>/attachments/<uuid:attachment_id>/",
            attachments.AttachmentView.as_view(),
            name="attachment",
        ),
        path(
            "chat/rooms/<slug:slug>/invitations/", invitations.InvitationsView.as_view(), name="invitations"
        ),
        path(
            "chat/rooms/<slug:slug>/invitations/<uuid:invitation_id>/",
            invitations.InvitationView.as_view(),
            name="invitation",
        ),
        path("chat/invitations/", invitations.MyInvitationsView.as_view(), name="my-invitations"),
        path(
            "chat/invitations/<uuid:invitation_id>/accept/", invitations.AcceptView.as_view(), name="accept"
        ),
        path(
            "chat/invitations/<uuid:invitation_id>/decline/",
            invitations.DeclineView.as_view(),
            name="decline",
        ),
        path("chat/people/", members.PeopleView.as_view(), name="people"),
    ],
    "internal": [
        path("chat/rooms/<slug:slug>/events/", rooms.PushEventView.as_view(), name="push"),
        path(
            "chat/rooms/<slug:slug>/messages/", messages.SystemMessagesView.as_view(), name="system-messages"
        ),
    ],
}
