"""Use cases of accounts and sign-ins, one module each. `policies` decides who may use them."""

from apps.users.services.administration import activate_user, deactivate_user, erase_user, update_user
from apps.users.services.cleaning import delete_expired, delete_orphaned_avatars
from apps.users.services.email import (
    cancel_email_change,
    confirm_email_change,
    request_email_change,
    resend_verification,
    verify_email,
)
from apps.users.services.erasure import erase_due, request_erasure
from apps.users.services.mails import (
    send_email_change_mail,
    send_notice,
    send_password_reset_mail,
    send_verification_mail,
    send_welcome_mail,
)
from apps.users.services.passwords import change_password, confirm_password_reset, request_password_reset
from apps.users.services.profile import export_data, remove_avatar, set_avatar, update_profile
from apps.users.services.providers import (
    begin_provider_sign_in,
    link_identity,
    sign_in_with_provider,
    unlink_identity,
)
from apps.users.services.registration import register_user
from apps.users.services.roles import delete_role, make_role, restore_defaults, update_role
from apps.users.services.second_factor import (
    begin_second_factor,
    check_second_factor,
    confirm_second_factor,
    disable_second_factor,
    remove_second_factor_of,
    renew_recovery_codes,
)
from apps.users.services.sessions import (
    logout,
    logout_everywhere,
    refresh,
    revoke_all_sessions_of,
    revoke_session,
    revoke_session_of,
)
from apps.users.services.sign_in import check_credentials, complete_login, login
from apps.users.services.tickets import issue_ticket, redeem_ticket
