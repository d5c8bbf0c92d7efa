"""The same small chat on other stacks: each is its own server, started with `<port>` and `WITH_*` flags.

`WITH_CHECKS=1`: token, session and membership are verified in PostgreSQL at the handshake. `WITH_STORE=1`: a message is
inserted before it is sent out. Without them only Redis is between sender and readers.
"""
