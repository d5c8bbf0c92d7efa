"""A state machine over sign-in, refresh, replay, logout, password change, deactivation and erasure.

The invariant: what is dead never gets in, and what is alive does. IDENTITY_RUNS says how many runs (40 without it).
"""

from __future__ import annotations

import os
from dataclasses import dataclass

import pytest
from django.db import transaction
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
from apps.users import exceptions, selectors, services
from apps.users.models import RefreshToken, Session, User
from apps.users.tests.factories import AdminFactory, UserFactory, caller_for
from apps.users.types import Device, TokenPair

RUNS = int(os.environ.get("IDENTITY_RUNS", "40"))
NUMBER = st.integers(0, 11)
MOSTLY = st.sampled_from([True, True, True, False])
PASSWORDS = [f"standing stone number {number}" for number in range(3)]


@dataclass(eq=False)
class Family:
    """What one sign-in has led to, by the rules."""

    account: int
    pairs: list[TokenPair]
    is_live: bool = True


@dataclass(eq=False)
class Account:
    """What is known about one account, by the rules."""

    user: User
    password: str
    is_active: bool = True
    is_erased: bool = False


class SignIns(RuleBasedStateMachine):
    """Two accounts and an admin. Rules pick a family by number; without one that fits, they do nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.point = transaction.atomic()
        self.point.__enter__()
        self.admin = caller_for(AdminFactory.create())
        self.accounts = [Account(UserFactory.create(password=PASSWORDS[0]), PASSWORDS[0]) for _ in range(2)]
        self.known: list[Family] = []

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.point.__exit__(None, None, None)

    def end(self, index: int) -> None:
        for family in self.known:
            if family.account == index:
                family.is_live = False

    def pick(self, number: int, *, is_live: bool) -> list[Family]:
        """One family that is live or dead by the rules, in a list; an empty one when there is none."""
        fitting = [family for family in self.known if family.is_live is is_live]
        return [fitting[number % len(fitting)]] if fitting else []

    def sign_in_with(self, index: int, password: str) -> None:
        account = self.accounts[index]
        should = account.is_active and password == account.password
        try:
            pair = services.login(email=account.user.email, password=password, device=Device())
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
    def raise_the_dead(self, number: int, position: int) -> None:
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
        if not account.is_active:
            self.end(index)

    @invariant()
    def the_dead_stay_out_and_the_living_get_in(self) -> None:
        for family in self.known:
            for pair in family.pairs:
                try:
                    selectors.authenticate_access(token=pair.access)
                except NotAuthenticated:
                    assert not family.is_live
                else:
                    assert family.is_live

    @invariant()
    def a_session_has_one_token_that_works(self) -> None:
        live = sum(family.is_live for family in self.known)
        sessions = Session.objects.filter(ended_at=None).exclude(user=self.admin.user)
        assert sessions.count() == live
        assert RefreshToken.objects.filter(used_at=None, session__in=sessions).count() == live


@pytest.mark.django_db
def test_no_dead_session_ever_gets_in() -> None:
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
