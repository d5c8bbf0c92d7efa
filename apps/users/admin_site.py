"""Django's admin site with a second factor, rate limits, an idle timeout and an audit log.

The project's settings name it (`config.admin_site`). Each slice's `admin.py` defines its pages.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import date
from functools import partial, wraps
from typing import Any, Final

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.options import IS_FACETS_VAR, IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR, SEARCH_VAR
from django.contrib.auth import logout
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from apps.common import audit, rate_limits
from apps.common.http.client_address import client_address
from apps.users.forms import PasswordForm, SignInForm
from apps.users.types import AuditAction, Device

View = Callable[..., Any]
_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_SINCE, _SEEN = "site_since", "site_seen"
# The interval after which viewing a page extends the session, which is a write.
_PULSE: Final = 60
_OF_ANY_LIST: Final = frozenset(
    {ALL_VAR, ERROR_FLAG, IS_FACETS_VAR, IS_POPUP_VAR, ORDER_VAR, PAGE_VAR, SEARCH_VAR, TO_FIELD_VAR}
    | {"_changelist_filters"}
)
_OF_ANY_FORM: Final = frozenset({"_changelist_filters", IS_POPUP_VAR, TO_FIELD_VAR})
# Suffixes that the filters of django.contrib.admin add to a field's name.
_SUFFIXES: Final = frozenset(
    f"__{lookup}"
    for lookup in (
        "exact",
        "id__exact",
        "pk__exact",
        "isnull",
        "isempty",
        "gte",
        "lt",
    )
)
# Suffixes of a date hierarchy, in this order.
_CALENDAR: Final = ("year", "month", "day")


class Site(admin.AdminSite):
    """`admin.site`."""

    site_header = site_title = settings.PRODUCT_NAME
    login_form = SignInForm
    login_template = "users/site_sign_in.html"

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The sign-in page. An attempt beyond a limit is answered 429, one on a busy server 503."""
        if (refusal := _over_limit(request)) is not None:
            return refusal
        response = super().login(request, extra_context)
        if request.method == "POST":
            if response.status_code == 302:
                _begin(request)
            else:
                _tell_of_limit(response)
        return response

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        user = request.user
        if request.method == "POST" and not isinstance(user, AnonymousUser):
            audit.record(
                action=AuditAction.SIGNED_OUT,
                actor_id=user.pk,
                target="user",
                target_id=user.pk,
                details=_HERE,
            )
        return super().logout(request, extra_context)

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The page that changes the own password. All sessions end, this one included."""
        view = PasswordChangeView.as_view(
            form_class=partial(PasswordForm, device=Device(address=client_address(request))),
            success_url=reverse("admin:password_change_done"),
            template_name="registration/password_change_form.html",
            extra_context={**self.each_context(request), **(extra_context or {})},
        )
        return view(request)

    def admin_view(self, view: View, cacheable: bool = False) -> Any:  # noqa: FBT001, FBT002  (Django's signature)
        """`view` for signed-in users, within the rate limit, audited when it changes something."""
        inner = super().admin_view(view, cacheable)

        @wraps(inner)
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            if (refusal := _over_limit(request)) is not None:
                return refusal
            _keep_or_end(request)
            listed = self._shown(request, "changelist")
            if listed is not None and not (
                all(_is_offered(listed, name) for name in request.GET) and _is_a_day(listed, request.GET)
            ):
                return _unread("The list is not filtered by this.")
            # Django would prefill a form with any text, and fail where a field has another type.
            if self._shown(request, "add") is not None and not _OF_ANY_FORM.issuperset(request.GET):
                return _unread("The form is not filled in by an address.")
            if request.method in _SAFE:
                return inner(request, *args, **kwargs)
            if not _is_readable(request, listed):
                return _unread("The form could not be read.")
            try:
                with transaction.atomic():
                    response = inner(request, *args, **kwargs)
                    # A form that is shown again, with errors or for a confirmation, has changed nothing.
                    if response.status_code == 302 and self.has_permission(request):
                        _record(request)
                    if isinstance(response, TemplateResponse):
                        response.render()  # which looks the rows of the form up
            except ValidationError:  # a row that the form names cannot be there
                return _unread("The form could not be read.")
            return response

        return guarded

    def _shown(self, request: HttpRequest, kind: str) -> Any:
        """The `ModelAdmin` of the requested page; None on other pages."""
        page = request.resolver_match.url_name if request.resolver_match is not None else None
        for model, model_admin in self._registry.items():
            if page == f"{model._meta.app_label}_{model._meta.model_name}_{kind}":
                return model_admin
        return None


_HERE: Final = {"by": "site"}


def _unread(words: str) -> HttpResponse:
    return HttpResponse(f"{words}\n", status=400, content_type="text/plain")


def _is_offered(model_admin: Any, name: str) -> bool:
    """Whether a link of a list could have this parameter.

    Django filters by any lookup of any column in a URL, and fails when the value does not fit.
    """
    if name in _OF_ANY_LIST:
        return True
    if name in _hierarchy(model_admin):
        return True
    for offered in model_admin.list_filter:
        field = offered[0] if isinstance(offered, (tuple, list)) else offered
        field = getattr(field, "parameter_name", field)
        if field and (name == field or (name.startswith(f"{field}__") and name[len(field) :] in _SUFFIXES)):
            return True
    return False


def _hierarchy(model_admin: Any) -> list[str]:
    """The parameters of a list's date hierarchy."""
    field = model_admin.date_hierarchy
    return [f"{field}__{part}" for part in _CALENDAR] if field else []


def _is_a_day(model_admin: Any, given: QueryDict) -> bool:
    """Whether a date of a date hierarchy is in the calendar; Django computes the bounds of any number."""
    texts = [given.get(name, "") for name in _hierarchy(model_admin)]
    try:
        year, month, day = (int(text or missing) for text, missing in zip(texts, (2000, 1, 1), strict=True))
        return date.min < date(year, month, day) and year < date.max.year  # and so in every time zone
    except (ValueError, OverflowError):
        return not texts


def _is_readable(request: HttpRequest, model_admin: Any) -> bool:
    """Whether the posted values are text, and selected rows are keys: Django looks them up unchecked."""
    if any("\x00" in value for _, values in request.POST.lists() for value in values):
        return False
    chosen = [] if model_admin is None else request.POST.getlist("_selected_action")
    return all(_is_key(model_admin.model._meta.pk, value) for value in chosen)


def _is_key(field: Any, text: str) -> bool:
    """Whether a value can be a primary key."""
    try:
        field.run_validators(field.to_python(text))
    except ValidationError:
        return False
    return True


def _begin(request: HttpRequest) -> None:
    now = timezone.now().timestamp()
    request.session[_SINCE] = request.session[_SEEN] = now
    request.session.set_expiry(settings.SITE_IDLE_SECONDS)
    user = request.user
    audit.record(
        action=AuditAction.SIGNED_IN, actor_id=user.pk, target="user", target_id=user.pk, details=_HERE
    )


def _keep_or_end(request: HttpRequest) -> None:
    """Extend the session, or end one that is too old or was not begun on the sign-in page."""
    if isinstance(request.user, AnonymousUser):
        return
    now = timezone.now().timestamp()
    if now - request.session.get(_SINCE, 0) > settings.SITE_SESSION_SECONDS:
        logout(request)
    elif now - request.session.get(_SEEN, 0) > _PULSE:
        request.session[_SEEN] = now
        request.session.set_expiry(settings.SITE_IDLE_SECONDS)


def _over_limit(request: HttpRequest) -> HttpResponse | None:
    address = client_address(request)
    key = f"address:{address}" if isinstance(request.user, AnonymousUser) else f"user:{request.user.pk}"
    quota = rate_limits.count(scope="site-pages", key=key, rates=settings.SITE_RATES, name="site")
    if not quota.is_exceeded:
        return None
    return HttpResponse(
        "Too many requests. Try again later.\n",
        status=429,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(quota.retry_after), **rate_limits.headers(quota)},
    )


def _tell_of_limit(response: Any) -> None:
    """The status of a refusal by a limit or a busy server."""
    context = response.context_data if isinstance(response, TemplateResponse) else None
    if context is None:
        return
    for error in context["form"].errors.as_data().get("__all__", []):
        told = error.params or {}
        if "retry_after" in told:
            response.status_code = told["status"]
            response.headers["Retry-After"] = str(max(1, math.ceil(told["retry_after"])))


def _record(request: HttpRequest) -> None:
    """The audit event: the page (`users_user_change`) and the id, or the action and the number of rows."""
    match = request.resolver_match
    details: dict[str, Any] = {"page": match.url_name if match is not None else ""}
    if action := request.POST.get("action"):
        chosen = request.POST.getlist("_selected_action")
        details |= {"action": action[:80], "count": len(chosen), "chosen": [key[:64] for key in chosen[:20]]}
    object_id = match.kwargs.get("object_id") if match is not None else None
    audit.record(
        action=AuditAction.SITE_CHANGED,
        actor_id=request.user.pk,
        target="page" if object_id is None else str(details["page"]).rpartition("_")[0],
        target_id=None if object_id is None else str(object_id)[:64],
        details=details,
    )
