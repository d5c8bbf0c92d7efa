"""A socket."""

from apps.api.tests.fakes.standard_views.clients.python.widget_frames import WidgetFrame
from apps.common.client_runtime.python.reconnecting_socket import ReconnectingSocket

WidgetSocket = ReconnectingSocket[WidgetFrame]
