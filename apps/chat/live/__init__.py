"""The live rooms of one server process and their sockets, explained in apps/chat/docs/hub.md.

`hub` holds all rooms and their upkeep; `feed` is the recent past of one room, `subscriber` the cursor of one socket in it;
`writer` stores messages from sockets; `presence` and `presence_sync` track who is online; `admission` judges handshakes.
"""
