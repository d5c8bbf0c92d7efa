"""Live streams of notifications in one server process: sockets, and event streams (SSE).

A stream is a cursor into a user's notifications and their changes, both numbered. Processes announce that there is more;
what it is, is read from the database. So it does not matter whether Redis loses, doubles or delays such an event: every
three seconds the newest numbers are compared. `stream` is one stream, `hub` all of them with their upkeep, `quota` counts
them, `sse` writes them as Server-Sent Events.
"""
