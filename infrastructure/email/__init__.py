"""Mail: one way out, with a text and an HTML part from templates. Who gets which mail is the slices' business."""

from infrastructure.email.sender import EmailDeliveryError, UnmailableAddress, send

__all__ = ["EmailDeliveryError", "UnmailableAddress", "send"]
