"""The use cases of notifications."""

from apps.notifications.services.cleaning import delete_old_notifications, forget_user
from apps.notifications.services.digests import (
    due_for_digest,
    read_unsubscribe_token,
    send_digest,
    unsubscribe,
)
from apps.notifications.services.inbox import mark_all_read, mark_read, set_preferences
from apps.notifications.services.notifying import (
    notify,
    push_event,
    retract,
    retract_scope,
    retract_slice,
    revise,
)
