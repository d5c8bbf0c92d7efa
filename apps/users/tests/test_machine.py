"""A state machine over sign-in, second factor, refresh, replay, logout, revocation, change of password and role,
deactivation and erasure.

The invariant: ended sessions are refused, and live ones are accepted. IDENTITY_RUNS is the number of runs (default 25); the
campaign is `make identity-campaign`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from apps.common.exceptions import NotAuthenticated
from apps.common.testing.users import AdminFactory, UserFactory, caller_for
from apps.users import exceptions, selectors, services
from apps.users.models import RefreshToken, Session, User
from apps.users.types import Challenge, Device, TokenPair
from infrastructure.token import totp

pytestmark = pytest.mark.campaign

RUNS = int(os.environ.get("IDENTITY_RUNS", "25"))
NUMBER = st.integers(0, 11)
MOSTLY = st.sampled_from([True, True, True, False])
PASSWORDS = [f"standing widget number {number}" for number in range(3)]


@dataclass(eq=False)
class Family:
    """The expected state of one sign-in and its tokens."""

    account: int
    pairs: list[TokenPair]
    is_live: bool = True


@dataclass(eq=False)
class Account:
    """The expected state of one account."""

    user: User
    password: str
    is_active: bool = True
    is_erased: bool = False
    codes: list[str] = field(default_factory=list)
    """Recovery codes that are left; none where there is no second factor."""


class SignIns(RuleBasedStateMachine):
    """Two accounts and an admin. Rules pick a family by number; without one that fits, they do nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.atomic()
        self.point.__enter__()
        self.admin = caller_for(AdminFactory.create())
        self.accounts = [Account(UserFactory.create(password=PASSWORDS[0]), PASSWORDS[0]) for _ in range(2)]
        self.known: list[Family] = []
        self.client = Client()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.point.__exit__(None, None, None)

    def end(self, index: int) -> None:
        for family in self.known:
            if family.account == index:
                family.is_live = False

    def pick(self, number: int, *, is_live: bool) -> list[Family]:
        """A list with one family that should be live or ended; empty without one."""
        fitting = [family for family in self.known if family.is_live is is_live]
        return [fitting[number % len(fitting)]] if fitting else []

    def sign_in_with(self, index: int, password: str) -> None:
        account = self.accounts[index]
        should = account.is_active and password == account.password
        try:
            pair = services.login(email=account.user.email, password=password, device=Device())
            assert isinstance(pair, Challenge) is bool(account.codes)
            if isinstance(pair, Challenge):
                code = account.codes.pop()
                pair = services.complete_login(challenge=pair.challenge, code=code, device=Device())
                if not account.codes:  # the account is locked out; an admin resets it
                    self.known.append(Family(index, pairs=[pair]))
                    self.lose_second_factor_of(index)
                    return
        except exceptions.InvalidCredentials:
            assert not should
        else:
            assert should
            assert isinstance(pair, TokenPair)
            self.known.append(Family(index, pairs=[pair]))

    @initialize()
    def begin(self) -> None:
        for index in (0, 1):
            self.sign_in_with(index, PASSWORDS[0])

    @rule(index=st.integers(0, 1), knows=MOSTLY, password=st.sampled_from(PASSWORDS))
    def sign_in(self, index: int, knows: bool, password: str) -> None:
        self.sign_in_with(index, self.accounts[index].password if knows else password)

    @rule(number=NUMBER, times=st.integers(1, 3))
    def carry_on(self, number: int, times: int) -> None:
        for family in self.pick(number, is_live=True) * times:
            family.pairs.append(services.refresh(refresh_token=family.pairs[-1].refresh))

    @rule(number=NUMBER, position=NUMBER)
    def replay(self, number: int, position: int) -> None:
        for family in self.pick(number, is_live=True):
            if len(family.pairs) > 1:
                used = family.pairs[position % (len(family.pairs) - 1)]
                with pytest.raises(exceptions.RefreshTokenRefused):
                    services.refresh(refresh_token=used.refresh)
                family.is_live = False

    @rule(number=NUMBER, position=NUMBER)
    def use_an_ended_family(self, number: int, position: int) -> None:
        for family in self.pick(number, is_live=False):
            with pytest.raises(exceptions.RefreshTokenRefused):
                services.refresh(refresh_token=family.pairs[position % len(family.pairs)].refresh)

    @rule(number=NUMBER, position=NUMBER)
    def log_out(self, number: int, position: int) -> None:
        for family in self.pick(number, is_live=True):
            services.logout(refresh_token=family.pairs[position % len(family.pairs)].refresh)
            family.is_live = False

    @rule(number=NUMBER, knows=MOSTLY, new=st.sampled_from(PASSWORDS), guess=st.sampled_from(PASSWORDS))
    def change_password(self, number: int, knows: bool, new: str, guess: str) -> None:
        for family in self.pick(number, is_live=True):
            account = self.accounts[family.account]
            guess = account.password if knows else guess
            caller = selectors.authenticate_access(token=family.pairs[-1].access)
            try:
                services.change_password(
                    actor=caller, current_password=guess, new_password=new, device=Device()
                )
            except exceptions.WrongPassword:
                assert guess != account.password
            else:
                assert guess == account.password
                account.password = new
                self.end(family.account)

    def lose_second_factor_of(self, index: int) -> None:
        services.remove_second_factor_of(actor=self.admin, user_id=self.accounts[index].user.pk)
        self.accounts[index].codes = []
        self.end(index)

    @rule(number=NUMBER)
    def set_up_second_factor(self, number: int) -> None:
        for family in self.pick(number, is_live=True):
            account = self.accounts[family.account]
            if account.codes:
                return
            caller = selectors.authenticate_access(token=family.pairs[-1].access)
            begun = services.begin_second_factor(
                actor=caller, current_password=account.password, device=Device()
            )
            code = totp.code_of(begun.secret, int(timezone.now().timestamp()) // totp.STEP)
            account.codes = services.confirm_second_factor(actor=caller, code=code, device=Device())[:3]
            self.end(family.account)
            family.is_live = True

    @rule(index=st.integers(0, 1))
    def lose_second_factor(self, index: int) -> None:
        if self.accounts[index].codes:
            self.lose_second_factor_of(index)

    @rule(number=NUMBER, by_owner=st.booleans())
    def revoke(self, number: int, by_owner: bool) -> None:
        for family in self.pick(number, is_live=True):
            caller = selectors.authenticate_access(token=family.pairs[-1].access)
            assert caller.session_id is not None
            if by_owner:
                services.revoke_session(actor=caller, session_id=caller.session_id)
            else:
                services.revoke_session_of(
                    actor=self.admin, user_id=caller.user.pk, session_id=caller.session_id
                )
            family.is_live = False

    @rule(index=st.integers(0, 1), role=st.sampled_from(["user", "moderator"]))
    def change_role(self, index: int, role: str) -> None:
        account = self.accounts[index]
        if not account.is_erased:
            before = User.objects.get(pk=account.user.pk).role
            services.update_user(actor=self.admin, user_id=account.user.pk, changes={"role": role})
            if role != before:
                self.end(index)

    @rule(number=NUMBER, position=NUMBER, is_live=st.booleans())
    def ask_over_http(self, number: int, position: int, is_live: bool) -> None:
        for family in self.pick(number, is_live=is_live):
            access = family.pairs[position % len(family.pairs)].access
            answer = self.client.get(
                "/api/private/v1/users/me/", headers={"Authorization": f"Bearer {access}"}
            )
            assert answer.status_code == (200 if is_live else 401)

    @rule(number=NUMBER)
    def log_out_everywhere(self, number: int) -> None:
        for family in self.pick(number, is_live=True):
            services.logout_everywhere(actor=selectors.authenticate_access(token=family.pairs[0].access))
            self.end(family.account)

    @rule(index=st.integers(0, 1), action=st.sampled_from(["activate", "activate", "deactivate", "erase"]))
    def administer(self, index: int, action: str) -> None:
        account = self.accounts[index]
        if account.is_erased:
            return
        if action == "erase":
            services.erase_user(actor=self.admin, user_id=account.user.pk)
        elif action == "deactivate":
            services.deactivate_user(actor=self.admin, user_id=account.user.pk)
        else:
            services.activate_user(actor=self.admin, user_id=account.user.pk)
        account.is_erased, account.is_active = action == "erase", action == "activate"
        if account.is_erased:
            account.codes = []
        if not account.is_active:
            self.end(index)

    @invariant()
    def ended_families_are_refused_and_live_ones_accepted(self) -> None:
        for family in self.known:
            for pair in family.pairs:
                try:
                    selectors.authenticate_access(token=pair.access)
                except NotAuthenticated:
                    assert not family.is_live
                else:
                    assert family.is_live

    @invariant()
    def a_session_has_one_working_token(self) -> None:
        live = sum(family.is_live for family in self.known)
        sessions = Session.objects.filter(ended_at=None).exclude(user=self.admin.user)
        assert sessions.count() == live
        assert RefreshToken.objects.filter(used_at=None, session__in=sessions).count() == live


@pytest.mark.django_db
def test_ended_sessions_are_always_refused() -> None:
    run_state_machine_as_test(
        SignIns,
        settings=settings(
            max_examples=RUNS,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
