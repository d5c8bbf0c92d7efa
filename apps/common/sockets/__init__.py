"""What every slice's WebSocket is built from."""
