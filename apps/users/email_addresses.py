"""The canonical form of e-mail addresses, for storing, comparing and sending."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Any, ClassVar, Final

import idna
from django.db import models

from apps.common.exceptions import InvalidInput
from apps.common.text import InvalidLine, clean_line

if TYPE_CHECKING:  # generic for mypy only
    EmailField = models.EmailField[str, str]
else:
    EmailField = models.EmailField

MAX_LENGTH: Final = 254  # RFC 5321, section 4.5.3.1.3, without the angle brackets
_MAX_LOCAL: Final = 64
_ATOM_SIGNS: Final = frozenset("!#$%&'*+-/=?^_`{|}~")
_LABEL: Final = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


class InvalidEmail(InvalidInput):
    """Not an e-mail address that mail can be sent to."""

    code: ClassVar[str] = "invalid_email"
    detail = "Enter a valid e-mail address."


def canonical(text: str) -> str:
    """The canonical form: NFKC, case folded, the domain in its ASCII form (IDNA 2008, mapped by UTS 46).

    Case folding the local part goes beyond RFC 5321, which leaves its case to the receiver; no current provider tells users
    apart by it, and two accounts that look the same are worse. The function is idempotent.

    Use it to look an address up, and `mailable` for a new one.

    Raises:
        InvalidEmail: for everything that is not `dot-atom@domain.tld`; quoted local parts and address literals are refused.
    """
    try:
        # The mapping of domains would drop invisible characters, which sign-in refuses.
        text = clean_line(text)
    except InvalidLine:
        raise InvalidEmail from None
    if len(text) > MAX_LENGTH:
        raise InvalidEmail
    local, at, domain = unicodedata.normalize("NFKC", text).rpartition("@")
    if not at:
        raise InvalidEmail
    address = f"{_folded_local(local)}@{_ascii_domain(domain)}"
    if len(address) > MAX_LENGTH:
        raise InvalidEmail
    return address


def mailable(text: str) -> str:
    """The canonical form of an address that every mail server accepts. Raises InvalidEmail.

    Characters beyond ASCII before the @ require SMTPUTF8 (RFC 6531) of all servers on the way, and many lack it.
    """
    address = canonical(text)
    if not address.isascii():
        raise InvalidEmail(
            "Mail cannot be sent to this address: use one with the letters a to z before the @."
        )
    return address


def _folded_local(local: str) -> str:
    """Unicode's toNFKC_Casefold: folding may undo the normal form, so NFKC follows again."""
    local = unicodedata.normalize("NFKC", local.casefold())
    if not 0 < len(local.encode("utf-8", "surrogatepass")) <= _MAX_LOCAL:
        raise InvalidEmail
    if not all(atom and all(_is_atom_sign(sign) for sign in atom) for atom in local.split(".")):
        raise InvalidEmail
    return local


def _is_atom_sign(sign: str) -> bool:
    # Letters, marks and digits of any script (RFC 6531); no invisible characters or bidirectional controls.
    return sign in _ATOM_SIGNS or unicodedata.category(sign)[0] in "LMN"


def _ascii_domain(domain: str) -> str:
    ascii_form = domain.lower()
    if not domain.isascii():
        try:
            ascii_form = idna.encode(domain, uts46=True).decode("ascii")
        except UnicodeError:  # idna.IDNAError among them
            raise InvalidEmail from None
    labels = ascii_form.split(".")
    if len(labels) < 2 or not all(_LABEL.fullmatch(label) for label in labels) or labels[-1].isdigit():
        raise InvalidEmail
    return ascii_form


class CanonicalEmailField(EmailField):
    """Stores and looks up the canonical form: in instances, `filter()` and `update()`."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", MAX_LENGTH)
        super().__init__(*args, **kwargs)

    def get_prep_value(self, value: Any) -> Any:
        """The canonical form. Raises InvalidEmail."""
        return canonical(value) if isinstance(value, str) else super().get_prep_value(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> str:  # noqa: FBT001  (Django's signature)
        """The canonical form, put on the instance as well. Raises InvalidEmail."""
        address = canonical(getattr(model_instance, self.attname))
        setattr(model_instance, self.attname, address)
        return address
