"""Routes of the slice by zone."""

from __future__ import annotations

from django.urls import path

from apps.chat import views

zones = {
    "private": [
        path("chat/rooms/", views.RoomsView.as_view(), name="rooms"),
        path("chat/rooms/<slug:slug>/", views.RoomView.as_view(), name="room"),
        path("chat/rooms/<slug:slug>/join/", views.JoinView.as_view(), name="join"),
        path("chat/rooms/<slug:slug>/leave/", views.LeaveView.as_view(), name="leave"),
        path("chat/rooms/<slug:slug>/members/", views.MembersView.as_view(), name="members"),
        path("chat/rooms/<slug:slug>/members/<uuid:user_id>/", views.MemberView.as_view(), name="member"),
        path("chat/rooms/<slug:slug>/members/<uuid:user_id>/mute/", views.MuteView.as_view(), name="mute"),
        path("chat/rooms/<slug:slug>/bans/", views.BansView.as_view(), name="bans"),
        path("chat/rooms/<slug:slug>/bans/<uuid:user_id>/", views.BanView.as_view(), name="ban"),
        path("chat/rooms/<slug:slug>/messages/", views.MessagesView.as_view(), name="messages"),
        path("chat/rooms/<slug:slug>/messages/search/", views.SearchView.as_view(), name="search"),
        path(
            "chat/rooms/<slug:slug>/messages/<uuid:message_id>/", views.MessageView.as_view(), name="message"
        ),
        path("chat/rooms/<slug:slug>/read/", views.ReadView.as_view(), name="read"),
        path("chat/rooms/<slug:slug>/attachments/", views.AttachmentsView.as_view(), name="attachments"),
        path(
            "chat/rooms/<slug:slug>/attachments/<uuid:attachment_id>/",
            views.AttachmentView.as_view(),
            name="attachment",
        ),
        path("chat/rooms/<slug:slug>/invitations/", views.InvitationsView.as_view(), name="invitations"),
        path(
            "chat/rooms/<slug:slug>/invitations/<uuid:invitation_id>/",
            views.InvitationView.as_view(),
            name="invitation",
        ),
        path("chat/invitations/", views.MyInvitationsView.as_view(), name="my-invitations"),
        path("chat/invitations/<uuid:invitation_id>/accept/", views.AcceptView.as_view(), name="accept"),
        path("chat/invitations/<uuid:invitation_id>/decline/", views.DeclineView.as_view(), name="decline"),
        path("chat/people/", views.PeopleView.as_view(), name="people"),
    ],
    "internal": [
        path("chat/rooms/<slug:slug>/events/", views.RoomEventsView.as_view(), name="push"),
        path("chat/rooms/<slug:slug>/messages/", views.SystemMessagesView.as_view(), name="system-messages"),
    ],
}
