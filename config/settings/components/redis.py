"""Redis or Valkey: cache, channel layer and Celery broker on one server, with bounded waits."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from infrastructure import environment, product
from infrastructure.environment import urls

VARIABLES = environment.Variables("Redis")

_PASSWORD = VARIABLES.text(
    "REDIS_URL_PASSWORD", "", "Password of `REDIS_URL` as it is, without encoding", secret=True
)
# All clients get the same text, and so verify TLS alike: see infrastructure.environment.urls.redis.
REDIS_URL = VARIABLES.read(
    "REDIS_URL",
    None,
    "Redis or Valkey, `redis://:password@host:6379/0`; `rediss://` for TLS, with `?ssl_ca_certs=` of a private authority",
    kind="URL",
    parse=lambda value: urls.redis(value, password=_PASSWORD),
    empty="redis://localhost:6379/0",
    secret=True,
)
VARIABLES.weak_password("REDIS_URL", unquote(urlsplit(REDIS_URL).password or ""), own=_PASSWORD)

CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": product.PRODUCT.slug,
        "OPTIONS": {
            "CLIENT_CLASS": "django_redis.client.DefaultClient",
            "SOCKET_CONNECT_TIMEOUT": 0.5,
            "SOCKET_TIMEOUT": 0.5,
            "CONNECTION_POOL_CLASS": "infrastructure.cache.pool.Pool",
            "CONNECTION_POOL_KWARGS": {"max_connections": 64},
            # An unavailable cache counts as an empty one.
            "IGNORE_EXCEPTIONS": True,
            "LOG_IGNORED_EXCEPTIONS": True,
        },
    }
}

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_connect_timeout": 0.5, "socket_timeout": 1.0}],
            "prefix": product.PRODUCT.slug,
        },
    }
}

CELERY_BROKER_URL = REDIS_URL
# Tasks report through the database and the log; results are not read.
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_ENABLE_UTC = True
CELERY_TASK_DEFAULT_QUEUE = "default"
# A worker that is killed leaves its task unacknowledged; another one takes it up again.
CELERY_TASK_ACKS_LATE = True
# When one process of a worker's pool dies, the worker publishes its task again: see apps.common.tasks.celery_task.Task.
CELERY_TASK_RETRY_ON_WORKER_LOST = True
# On SIGQUIT (how containers stop it) running tasks have this long; what is not done then goes back to the queue.
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 20.0
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
# A malformed message neither ends a worker nor is lost without a record.
CELERY_WORKER_CONSUMER = "infrastructure.scheduling.consumer:Consumer"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_SEND_TASK_EVENTS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Prefork pools (production) enforce these. The thread pool of `make run` cannot end a task that hangs, so each wait of a
# task has its own time-out: mail, Redis, statements.
CELERY_TASK_SOFT_TIME_LIMIT = 50
CELERY_TASK_TIME_LIMIT = 60
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Longer than the hard time limit: only a lost task is delivered twice. kombu looks for lost ones every
    # `interval × throttle` polls, so all three decide how soon a killed worker's task runs again.
    "visibility_timeout": 65,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    "socket_timeout": 1.0,
    "socket_connect_timeout": 0.5,
    "socket_keepalive": True,
    "health_check_interval": 15,
}
# Publishing does not wait: an event that could not be published stays in the outbox.
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BEAT_SCHEDULER = "apps.common.tasks.schedules:Scheduler"
CELERY_BEAT_MAX_LOOP_INTERVAL = 5
