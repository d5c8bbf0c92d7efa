"""The live rooms of one server process: which sockets follow them, and what those are sent. apps/chat/docs/hub.md explains it.

`hub` holds all rooms and does their upkeep; `feed` is one room's recent past, `subscriber` one socket's place in it;
`writer` stores what sockets send; `presence` and `presence_sync` know who is there; `admission` judges handshakes.
"""
