"""The tables of the users slice: accounts with their sessions and tokens, roles."""

from apps.users.models.accounts import NAME_LENGTH, PHONE_LENGTH, User
from apps.users.models.email_change import EmailChange
from apps.users.models.identities import Identity, ProviderSignIn
from apps.users.models.one_time_tokens import OneTimeToken, Purpose
from apps.users.models.roles import CODE_PATTERN, TITLE_LENGTH, TOP_RANK, Role
from apps.users.models.second_factor import RecoveryCode, SecondFactor
from apps.users.models.sessions import RefreshToken, Session, SessionEnd
