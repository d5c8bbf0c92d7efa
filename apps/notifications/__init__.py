"""What people are told of: an in-app list, a live stream, and a digest by mail. Knows nothing of those who tell."""
