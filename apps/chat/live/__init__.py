"""Live rooms of one server process: who listens, what they have had, what they say. docs/chat.md draws the picture.

`feed` is a room's recent past and its listeners, `subscriber` one socket's place in it, `presence` who is there,
`batches` the way to the database, `hub` all rooms together with their upkeep.
"""
