"""Sends mail with a text and an HTML part from templates."""

from infrastructure.email.sender import EmailDeliveryError, UnmailableAddress, send

__all__ = ["EmailDeliveryError", "UnmailableAddress", "send"]
