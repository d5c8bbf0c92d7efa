"""The second factor of an account."""

from __future__ import annotations

from apps.users.models import RecoveryCode, User
from apps.users.types import SecondFactorState


def get_second_factor_state(*, user: User) -> SecondFactorState:
    """Whether signing in requires a second factor, and the number of unused recovery codes."""
    return SecondFactorState(
        is_enabled=user.second_factor_at is not None,
        enabled_at=user.second_factor_at,
        recovery_codes_left=RecoveryCode.objects.filter(user=user).count(),
    )
