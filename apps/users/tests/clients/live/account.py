"""An account, and helpers for the calls of every slice."""

from __future__ import annotations

import os
import uuid

import public_client
from private_client import Client, Session
from private_client.api.account import users_me
from public_client.api.auth import auth_register
from public_client.models import RegistrationInputRequest

BASE_URL = os.environ["BASE_URL"]
SERVICE_KEY = os.environ["SERVICE_KEY"]
"""A key of the internal zone."""
ADMIN_PASSWORD = os.environ["ADMIN_PASSWORD"]
"""The password of the demo admin."""
PASSWORD = "a widget circle on the downs"


def unique(name: str) -> str:
    """A name that is not in use."""
    return f"{name}-{uuid.uuid4().hex[:12]}"


def register(name: str) -> str:
    """Register an account. Returns its address."""
    email = f"{unique('py')}@example.com"
    body = RegistrationInputRequest(email=email, name=name, password=PASSWORD)
    with public_client.Client(BASE_URL) as client:
        auth_register.sync(client=client, body=body)
    return email


def signed_in(email: str) -> Session:
    """A new session."""
    session = Session(BASE_URL)
    assert session.sign_in(email, PASSWORD) is None
    return session


def user_id(session: Session) -> uuid.UUID:
    """The id of the signed-in user."""
    with Client(BASE_URL, session=session) as client:
        return users_me.sync(client=client).id
