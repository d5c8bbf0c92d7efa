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
        path("chat/rooms/<slug:slug>/messages/", views.MessagesView.as_view(), name="messages"),
        path(
            "chat/rooms/<slug:slug>/messages/<uuid:message_id>/", views.MessageView.as_view(), name="message"
        ),
    ],
    "internal": [
        path("chat/rooms/<slug:slug>/messages/", views.SystemMessagesView.as_view(), name="system-messages"),
    ],
}
