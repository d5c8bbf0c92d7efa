"""The parts that the WebSockets of all slices share."""
