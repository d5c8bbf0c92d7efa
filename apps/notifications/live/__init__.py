"""Live streams of notifications in one server process: who holds them, what is new for whom, when they end.

A stream is a cursor into the person's list. That something is new is told between processes; what it is, is read from
the database, which is the truth. So it does not matter whether Redis loses, doubles or delays a word: every three
seconds the newest numbers are compared. `stream` is one of them, `hub` all together with their upkeep, `slots`
counts them, `events` writes them as Server-Sent Events.
"""
