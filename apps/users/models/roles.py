"""Roles: their ranks and permissions. Roles are data; three are built in."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CharField, F, Func, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from apps.common.text import validate_line

CODE_LENGTH: Final = 32
CODE_PATTERN: Final = r"^[a-z][a-z0-9_]{0,31}$"
TITLE_LENGTH: Final = 60
TOP_RANK: Final = 100


class _Unnest(Func):
    """One row for each element."""

    function = "unnest"
    set_returning = True
    output_field = CharField()


class RoleQuerySet(QuerySet["Role"]):
    """Roles. Each holds its own grants and those of lower ranks."""

    def up_to(self, code: Any, *, depth: int = 0) -> RoleQuerySet:
        """The role of that code and those below it; `depth` is the number of queries around an OuterRef."""
        for _ in range(depth):
            code = OuterRef(code)
        rank = self.model.objects.filter(code=code).order_by().values("rank")
        return self.filter(rank__lte=Subquery(rank))

    def each_permission(self) -> Any:
        """The distinct permissions of these roles."""
        return (
            self.order_by().annotate(one=_Unnest(F("permissions"))).values_list("one", flat=True).distinct()
        )

    def held_by(self, code: str) -> set[str]:
        """The permissions of the role of that code; empty without one."""
        return set(self.up_to(code).each_permission())


class Role(models.Model):
    """A rank with a name, and the permissions granted to it and to all higher ranks.

    Accounts name their role by its code (`User.role`); the database refuses an unknown role, and the deletion of a role in
    use. New accounts get USER. ADMIN is at the top, holds every permission and never changes, so that there is always a role
    that can change the others.
    """

    USER: ClassVar[str] = "user"
    MODERATOR: ClassVar[str] = "moderator"
    ADMIN: ClassVar[str] = "admin"
    BUILT_IN: ClassVar[frozenset[str]] = frozenset({USER, MODERATOR, ADMIN})

    code = models.CharField(max_length=CODE_LENGTH, primary_key=True)
    title = models.CharField(max_length=TITLE_LENGTH, validators=[validate_line])
    rank = models.PositiveSmallIntegerField(unique=True)
    permissions = ArrayField(models.CharField(max_length=80), default=list, blank=True)
    # Grants that DEFAULT_GRANTS of slices added once; after a removal they are not added again.
    offered = ArrayField(models.CharField(max_length=80), default=list, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(auto_now=True)

    objects = RoleQuerySet.as_manager()

    class Meta:
        ordering = ("rank",)
        constraints = (
            models.CheckConstraint(condition=Q(code__regex=CODE_PATTERN), name="users_role_code"),
            models.CheckConstraint(condition=Q(rank__lte=TOP_RANK), name="users_role_rank"),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_built_in(self) -> bool:
        """Whether the project depends on it."""
        return self.code in self.BUILT_IN
