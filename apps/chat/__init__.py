"""Rooms, members and messages, over REST and WebSocket."""
