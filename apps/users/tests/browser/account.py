"""The account page: profile, picture, second factor, deletion."""

from __future__ import annotations

from typing import Final

import pyotp

from apps.common.tests.browser import inspection
from apps.common.tests.browser.driver import ENTER
from apps.common.tests.browser.journey import Journey
from apps.users.tests.browser import steps

GRACE: Final = "grace@example.com"
_PROFILE_NAME: Final = "[aria-labelledby=account-profile] #name"
_ERASURE: Final = "[aria-labelledby=account-erasure]"
_UPLOAD_PICTURE: Final = """
return (async () => {
  const canvas = Object.assign(document.createElement("canvas"), {width: 128, height: 128});
  canvas.getContext("2d").fillRect(20, 20, 60, 100);
  const picture = await new Promise((done) => canvas.toBlob(done, "image/png"));
  const files = new DataTransfer();
  files.items.add(new File([picture], "me.png", {type: "image/png"}));
  const field = document.querySelector("#avatar");
  field.files = files.files;
  field.form.requestSubmit();
})();
"""


def an_account_is_changed(journey: Journey) -> None:
    """Name and picture are changed; the header follows."""
    ada = journey.ada
    ada.click(steps.SIGNED_IN)
    ada.sees("Signed-in devices")
    ada.sees("this device", "[aria-labelledby=account-devices]")
    inspection.assert_accessible(ada)
    ada.run(f"const field = document.querySelector('{_PROFILE_NAME}'); field.value = ''; field.focus()")
    ada.type(_PROFILE_NAME, "Ada King" + ENTER)
    ada.sees("Ada King", "#header-parts")
    ada.run(f"document.querySelector('{_PROFILE_NAME}').value = ''")
    ada.type(_PROFILE_NAME, "Ada Lovelace" + ENTER)
    ada.sees("Ada Lovelace", "#header-parts")
    ada.run(_UPLOAD_PICTURE)
    ada.until(
        lambda: ada.run("return document.querySelector('.portrait img')?.naturalWidth > 0"), "a picture"
    )
    assert ada.complaints() == []


def a_second_factor_is_set_up_and_used(journey: Journey) -> None:
    """Set up with an app and confirmed. The next sign-in asks for a code; after a wrong one a right one is accepted."""
    browser = journey.carol
    steps.sign_out(browser)
    steps.sign_in_as_demo(browser, journey.server.url, "grace")
    browser.click(steps.SIGNED_IN)
    card = "[aria-labelledby=account-second-factor]"
    browser.type(f"{card} #owner", steps.DEMO_PASSWORD + ENTER)
    secret = browser.until(
        lambda: browser.run("return document.querySelector('.secret')?.textContent.replaceAll(' ', '')"),
        "a secret",
    )
    browser.until(
        lambda: browser.run("return document.querySelector('.qr-code').naturalWidth > 0"), "the QR code"
    )
    inspection.assert_accessible(browser)
    browser.type(f"{card} #code", pyotp.TOTP(secret).now() + ENTER)
    browser.sees("The second factor is on.")
    codes = browser.run("return [...document.querySelectorAll('.codes code')].map((one) => one.textContent)")
    assert len(codes) == len(set(codes)) > 4, codes
    steps.sign_out(browser)
    browser.type("#email", GRACE)
    browser.type("#password", steps.DEMO_PASSWORD + ENTER)
    browser.sees("Second factor", "#sign-in-title")
    inspection.assert_no_faults(browser)
    browser.complaints()
    browser.type("#code", "000000" + ENTER)
    browser.until(
        lambda: browser.run(
            "return [...document.querySelectorAll('.sign-in .error')].some((one) => one.textContent)"
        ),
        "a refusal",
    )
    browser.run("document.querySelector('#code').value = ''")
    browser.type("#code", codes[0] + ENTER)
    browser.element(steps.SIGNED_IN)
    browser.complaints()
    steps.sign_out(browser)


def an_account_is_deleted_and_kept(journey: Journey) -> None:
    """Deletion requires the password and a confirmation, ends the session, and shows the end of the grace period."""
    browser = journey.carol
    browser.type("#email", "linus@example.com")
    browser.type("#password", steps.DEMO_PASSWORD + ENTER)
    browser.click(steps.SIGNED_IN)
    browser.sees("erased after 14 days. Sign in before then to keep it.", _ERASURE)
    inspection.assert_accessible(browser)
    browser.complaints()

    browser.type("#erasure_password", "not the password" + ENTER)
    browser.sees("Delete your account?", ".confirm")
    inspection.assert_no_faults(browser)
    browser.click(".confirm .quiet")
    assert journey.server.sign_in("linus@example.com", steps.DEMO_PASSWORD)
    browser.click(f"{_ERASURE} .danger")
    browser.click(".confirm .danger")
    browser.until(
        lambda: browser.run(f"return document.querySelector('{_ERASURE} .general').textContent"), "a refusal"
    )
    inspection.assert_refused(browser, "403")

    browser.run("document.querySelector('#erasure_password').value = ''")
    browser.type("#erasure_password", steps.DEMO_PASSWORD + ENTER)
    browser.click(".confirm .danger")
    browser.sees("Your account is switched off, and erased on", ".sign-in .general")
    browser.sees("Sign in before then to keep it.", ".sign-in .general")
    assert browser.run("return sessionStorage.length") == 0
    browser.complaints()

    browser.type("#email", "linus@example.com")
    browser.type("#password", steps.DEMO_PASSWORD + ENTER)
    browser.click(steps.SIGNED_IN)
    browser.sees("Signed-in devices")
    assert browser.complaints() == []
    steps.sign_out(browser)
