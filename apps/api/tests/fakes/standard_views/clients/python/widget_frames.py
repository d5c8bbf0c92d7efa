"""Frames."""

from apps.common.client_runtime.python.reconnecting_socket import PongFrame

WidgetFrame = PongFrame
