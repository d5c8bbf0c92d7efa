"""The routes of this slice, by zone."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.users.views import administration, email, internal, private, providers, public, roles, second_factor

zones: dict[str, list[URLPattern | URLResolver]] = {
    "public": [
        path("auth/register/", public.Register.as_view(), name="register"),
        path("auth/login/", public.Login.as_view(), name="login"),
        path("auth/login/second-factor/", public.LoginSecondFactor.as_view(), name="login-second-factor"),
        path("auth/oidc/", providers.Providers.as_view(), name="oidc"),
        path("auth/oidc/<slug:provider>/start/", providers.Start.as_view(), name="oidc-start"),
        path("auth/oidc/<slug:provider>/callback/", providers.Callback.as_view(), name="oidc-callback"),
        path("auth/refresh/", public.Refresh.as_view(), name="refresh"),
        path("auth/logout/", public.Logout.as_view(), name="logout"),
        path("auth/password/reset/", public.PasswordReset.as_view(), name="password-reset"),
        path(
            "auth/password/reset/confirm/",
            public.PasswordResetConfirm.as_view(),
            name="password-reset-confirm",
        ),
        path("auth/email/verify/", email.EmailVerify.as_view(), name="email-verify"),
        path("auth/email/resend/", email.EmailResend.as_view(), name="email-resend"),
        path("auth/email/change/confirm/", email.EmailChangeConfirm.as_view(), name="email-change-confirm"),
    ],
    "private": [
        path("users/me/", private.Me.as_view(), name="me"),
        path("users/me/password/", private.Password.as_view(), name="password"),
        path("users/me/export/", private.Export.as_view(), name="export"),
        path("users/me/email/", email.Email.as_view(), name="email"),
        path("users/me/identities/", providers.Identities.as_view(), name="identities"),
        path("users/me/identities/<uuid:identity_id>/", providers.OneIdentity.as_view(), name="identity"),
        path(
            "users/me/identities/<slug:provider>/start/", providers.LinkStart.as_view(), name="identity-start"
        ),
        path(
            "users/me/identities/<slug:provider>/callback/",
            providers.LinkCallback.as_view(),
            name="identity-callback",
        ),
        path("users/me/second-factor/", second_factor.SecondFactor.as_view(), name="second-factor"),
        path(
            "users/me/second-factor/confirm/", second_factor.Confirm.as_view(), name="second-factor-confirm"
        ),
        path(
            "users/me/second-factor/disable/", second_factor.Disable.as_view(), name="second-factor-disable"
        ),
        path(
            "users/me/second-factor/recovery-codes/",
            second_factor.RecoveryCodes.as_view(),
            name="recovery-codes",
        ),
        path("users/me/avatar/", private.Avatar.as_view(), name="avatar"),
        path("users/me/sessions/", private.Sessions.as_view(), name="sessions"),
        path("users/me/sessions/<uuid:session_id>/", private.OneSession.as_view(), name="session"),
        path("users/me/logout-all/", private.LogoutAll.as_view(), name="logout-all"),
        path("users/<uuid:user_id>/", private.OneUser.as_view(), name="user"),
    ],
    "internal": [
        path("tokens/introspect/", internal.Introspect.as_view(), name="introspect"),
        path("users/<uuid:user_id>/", internal.OneUser.as_view(), name="user"),
    ],
    "admin": [
        path("users/", administration.Users.as_view(), name="list"),
        path("users/<uuid:user_id>/", administration.OneUser.as_view(), name="user"),
        path("users/<uuid:user_id>/deactivate/", administration.Deactivate.as_view(), name="deactivate"),
        path("users/<uuid:user_id>/activate/", administration.Activate.as_view(), name="activate"),
        path("roles/", roles.Roles.as_view(), name="roles"),
        path("roles/<slug:code>/", roles.OneRole.as_view(), name="role"),
        path("permissions/", roles.Permissions.as_view(), name="permissions"),
        path("users/<uuid:user_id>/sessions/", administration.UserSessions.as_view(), name="sessions"),
        path(
            "users/<uuid:user_id>/sessions/<uuid:session_id>/",
            administration.OneUserSession.as_view(),
            name="session",
        ),
        path(
            "users/<uuid:user_id>/second-factor/",
            second_factor.SecondFactorOf.as_view(),
            name="second-factor",
        ),
    ],
}
