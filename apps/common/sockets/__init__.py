"""The socket kit: what the WebSockets of all slices are built from."""
