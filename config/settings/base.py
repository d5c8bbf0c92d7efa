"""What all environments share. Each component is one concern; what differs is said in the environment's module."""

from config.settings.components.api import *  # noqa: F403
from config.settings.components.apps import *  # noqa: F403
from config.settings.components.chat import *  # noqa: F403
from config.settings.components.database import *  # noqa: F403
from config.settings.components.identity import *  # noqa: F403
from config.settings.components.observability import *  # noqa: F403
from config.settings.components.redis import *  # noqa: F403
from config.settings.components.security import *  # noqa: F403
from config.settings.components.storage import *  # noqa: F403

DEBUG = False
