"""A state machine over sign-in, refresh, replay, logout, password change, deactivation and erasure.

The invariant: what is dead never gets in, and what is alive does. IDENTITY_RUNS says how many runs (15 without it).
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)

from apps.common.exceptions import NotAuthenticated
from apps.users import exceptions, selectors, services
from apps.users.models import RefreshToken, Session, User
from apps.users.tests.factories import AdminFactory, UserFactory, caller_for
from apps.users.types import Device, TokenPair

RUNS = int(os.environ.get("IDENTITY_RUNS", "15"))
PASSWORDS = [f"standing stone number {number}" for number in range(3)]


@dataclass(eq=False)
class Family:
    """What one sign-in has led to, by the rules."""

    account: int
    is_live: bool = True
    pairs: list[TokenPair] = field(default_factory=list)


@dataclass(eq=False)
class Account:
    """What is known about one account, by the rules."""

    user: User
    password: str
    is_active: bool = True
    is_erased: bool = False


class SignIns(RuleBasedStateMachine):
    """Two accounts and an admin."""

    families = Bundle("families")

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

    @rule(target=families, index=st.integers(0, 1), password=st.sampled_from(PASSWORDS))
    def sign_in(self, index: int, password: str) -> Any:
        account = self.accounts[index]
        should = account.is_active and not account.is_erased and password == account.password
        family = Family(index, is_live=should)
        try:
            family.pairs.append(services.login(email=account.user.email, password=password, device=Device()))
        except exceptions.InvalidCredentials:
            assert not should
        else:
            assert should
        self.known.append(family)
        return family

    @rule(family=families, position=st.integers(0, 5))
    def refresh(self, family: Family, position: int) -> None:
        if not family.pairs:
            return
        pair = family.pairs[position % len(family.pairs)]
        is_newest = pair is family.pairs[-1]
        try:
            family.pairs.append(services.refresh(refresh_token=pair.refresh))
        except exceptions.RefreshTokenRefused:
            assert not (family.is_live and is_newest)
            family.is_live = False
        else:
            assert family.is_live
            assert is_newest

    @rule(family=families, position=st.integers(0, 5))
    def log_out(self, family: Family, position: int) -> None:
        if family.pairs:
            services.logout(refresh_token=family.pairs[position % len(family.pairs)].refresh)
            family.is_live = False

    @rule(family=families, new=st.sampled_from(PASSWORDS), guess=st.sampled_from(PASSWORDS))
    def change_password(self, family: Family, new: str, guess: str) -> None:
        if not family.is_live:
            return
        account = self.accounts[family.account]
        caller = selectors.authenticate_access(token=family.pairs[-1].access)
        try:
            services.change_password(actor=caller, current_password=guess, new_password=new, device=Device())
        except exceptions.WrongPassword:
            assert guess != account.password
        else:
            assert guess == account.password
            account.password = new
            self.end(family.account)

    @rule(family=families)
    def log_out_everywhere(self, family: Family) -> None:
        if family.is_live:
            services.logout_everywhere(actor=selectors.authenticate_access(token=family.pairs[0].access))
            self.end(family.account)

    @rule(index=st.integers(0, 1))
    def deactivate(self, index: int) -> None:
        account = self.accounts[index]
        if not account.is_erased:
            services.deactivate_user(actor=self.admin, user_id=account.user.pk)
            account.is_active = False
            self.end(index)

    @rule(index=st.integers(0, 1))
    def activate(self, index: int) -> None:
        account = self.accounts[index]
        if not account.is_erased:
            services.activate_user(actor=self.admin, user_id=account.user.pk)
            account.is_active = True

    @rule(index=st.integers(0, 1))
    def erase(self, index: int) -> None:
        account = self.accounts[index]
        if not account.is_erased:
            services.erase_user(actor=self.admin, user_id=account.user.pk)
            account.is_erased, account.is_active = True, False
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
            stateful_step_count=20,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
