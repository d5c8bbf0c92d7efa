"""Settings of all environments: the components, then the slices' own settings."""

from config import env
from config.settings.components.apps import *  # noqa: F403
from config.settings.components.database import *  # noqa: F403
from config.settings.components.debug import *  # noqa: F403
from config.settings.components.mail import *  # noqa: F403
from config.settings.components.observability import *  # noqa: F403
from config.settings.components.redis import *  # noqa: F403
from config.settings.components.security import *  # noqa: F403
from config.settings.components.server import *  # noqa: F403
from config.settings.components.storage import *  # noqa: F403
from config.settings.components.zones import *  # noqa: F403

DEBUG = False

globals().update(env.slice_settings(globals()))
env.refuse_faults()
