"""Notifications of users: a list, a live stream, and a digest by mail. Other slices create them."""
