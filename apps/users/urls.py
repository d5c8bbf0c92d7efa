"""The routes of this slice, by zone."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from apps.users.views import (
    administration,
    email,
    internal,
    passwords,
    profile,
    providers,
    registration,
    roles,
    second_factor,
    sessions,
    sign_in,
    tickets,
)

zones: dict[str, list[URLPattern | URLResolver]] = {
    "public": [
        path("auth/register/", registration.RegisterView.as_view(), name="register"),
        path("auth/login/", sign_in.LoginView.as_view(), name="login"),
        path(
            "auth/login/second-factor/", sign_in.LoginSecondFactorView.as_view(), name="login-second-factor"
        ),
        path("auth/oidc/", providers.ProvidersView.as_view(), name="oidc"),
        path("auth/oidc/<slug:provider>/start/", providers.StartView.as_view(), name="oidc-start"),
        path("auth/oidc/<slug:provider>/callback/", providers.CallbackView.as_view(), name="oidc-callback"),
        path("auth/refresh/", sessions.RefreshView.as_view(), name="refresh"),
        path("auth/logout/", sessions.LogoutView.as_view(), name="logout"),
        path("auth/password/reset/", passwords.PasswordResetView.as_view(), name="password-reset"),
        path(
            "auth/password/reset/confirm/",
            passwords.PasswordResetConfirmView.as_view(),
            name="password-reset-confirm",
        ),
        path("auth/email/verify/", email.EmailVerifyView.as_view(), name="email-verify"),
        path("auth/email/resend/", email.EmailResendView.as_view(), name="email-resend"),
        path(
            "auth/email/change/confirm/", email.EmailChangeConfirmView.as_view(), name="email-change-confirm"
        ),
    ],
    "private": [
        path("users/me/", profile.MeView.as_view(), name="me"),
        path("users/me/password/", passwords.PasswordView.as_view(), name="password"),
        path("users/me/export/", profile.ExportView.as_view(), name="export"),
        path("users/me/email/", email.EmailView.as_view(), name="email"),
        path("users/me/identities/", providers.IdentitiesView.as_view(), name="identities"),
        path("users/me/identities/<uuid:identity_id>/", providers.IdentityView.as_view(), name="identity"),
        path(
            "users/me/identities/<slug:provider>/start/",
            providers.LinkStartView.as_view(),
            name="identity-start",
        ),
        path(
            "users/me/identities/<slug:provider>/callback/",
            providers.LinkCallbackView.as_view(),
            name="identity-callback",
        ),
        path("users/me/second-factor/", second_factor.SecondFactorView.as_view(), name="second-factor"),
        path(
            "users/me/second-factor/confirm/",
            second_factor.ConfirmView.as_view(),
            name="second-factor-confirm",
        ),
        path(
            "users/me/second-factor/disable/",
            second_factor.DisableView.as_view(),
            name="second-factor-disable",
        ),
        path(
            "users/me/second-factor/recovery-codes/",
            second_factor.RecoveryCodesView.as_view(),
            name="recovery-codes",
        ),
        path("users/me/avatar/", profile.AvatarView.as_view(), name="avatar"),
        path("users/me/sessions/", sessions.SessionsView.as_view(), name="sessions"),
        path("users/me/sessions/<uuid:session_id>/", sessions.SessionView.as_view(), name="session"),
        path("users/me/logout-all/", sessions.LogoutAllView.as_view(), name="logout-all"),
        path("users/<uuid:user_id>/", profile.UserView.as_view(), name="user"),
        path("tickets/", tickets.TicketsView.as_view(), name="tickets"),
    ],
    "internal": [
        path("tokens/introspect/", internal.IntrospectView.as_view(), name="introspect"),
        path("users/<uuid:user_id>/", internal.UserView.as_view(), name="user"),
    ],
    "admin": [
        path("users/", administration.UsersView.as_view(), name="list"),
        path("users/<uuid:user_id>/", administration.UserView.as_view(), name="user"),
        path("users/<uuid:user_id>/deactivate/", administration.DeactivateView.as_view(), name="deactivate"),
        path("users/<uuid:user_id>/activate/", administration.ActivateView.as_view(), name="activate"),
        path("roles/", roles.RolesView.as_view(), name="roles"),
        path("roles/<slug:code>/", roles.RoleView.as_view(), name="role"),
        path("permissions/", roles.PermissionsView.as_view(), name="permissions"),
        path("users/<uuid:user_id>/sessions/", sessions.UserSessionsView.as_view(), name="sessions"),
        path(
            "users/<uuid:user_id>/sessions/<uuid:session_id>/",
            sessions.UserSessionView.as_view(),
            name="session",
        ),
        path(
            "users/<uuid:user_id>/second-factor/",
            second_factor.UserSecondFactorView.as_view(),
            name="second-factor",
        ),
    ],
}
