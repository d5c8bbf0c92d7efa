"""The serving processes: threads, sizes, heartbeat. gunicorn's own settings are in `deploy/gunicorn.conf.py`."""

from __future__ import annotations

from infrastructure import environment
from infrastructure.environment import values

VARIABLES = environment.Variables("Server")

# Threads that answer HTTP in one process (the ASGI bridge and gunicorn alike).
WEB_THREADS = VARIABLES.number("WEB_THREADS", 8, "Threads that answer HTTP in one process", least=1, most=512)
WEB_CONCURRENCY = VARIABLES.number(
    "WEB_CONCURRENCY", 0, "Processes of gunicorn; 0: one more than there are processors", least=0, most=256
)
# Many frames in one write, by a class of ours in the server (infrastructure.server.websocket_protocol).
WEBSOCKET_JOINED_WRITES = VARIABLES.flag(
    "WEBSOCKET_JOINED_WRITES", True, "Send many frames in one write; false: the stock server class"
)
MAX_BODY_BYTES = VARIABLES.number(
    "MAX_BODY_BYTES", 1_048_576, "Largest request body, uploads apart", least=1_024, most=2**30
)
MAX_UPLOAD_BYTES = VARIABLES.number(
    "MAX_UPLOAD_BYTES", 5_242_880, "Largest uploaded file", least=1_024, most=2**32
)
# The health checks of worker and beat read its age.
HEARTBEAT_FILE = VARIABLES.text(
    "HEARTBEAT_FILE",
    "",
    "File that worker and beat touch while they are alive; empty: none",
    parse=values.file_in_folder,
)

DATA_UPLOAD_MAX_MEMORY_SIZE = MAX_BODY_BYTES
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5
FILE_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
