"""The identity of the product, read from `product.toml`. Knows neither Django nor the settings."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = Path(__file__).resolve().parent.parent / "product.toml"
_SLUG: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_DOMAIN: Final = re.compile(r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
_LONGEST: Final = {"name": 50, "slug": 30, "domain": 253, "description": 200}


class InvalidProduct(ValueError):
    """`product.toml` is missing, or one of its values cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """Attributes:
    name: As users read it: `Acme Orders`.
    slug: As operators type it: `acme-orders`.
    domain: Where the product is served, and the domain of its mails.
    description: One sentence.
    formerly: Slugs of earlier releases whose identifiers are still understood.
    """

    name: str
    slug: str
    domain: str
    description: str
    formerly: tuple[str, ...] = ()

    @property
    def identifier(self) -> str:
        """The slug where no hyphen is allowed: metrics, cookies, PostgreSQL."""
        return self.slug.replace("-", "_")


def read(path: Path = FILE) -> Product:
    """Raises InvalidProduct that names the key and its rule."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InvalidProduct(f"{path} cannot be read: {error}") from error
    return parse(text, str(path))


def parse(text: str, source: str) -> Product:
    """Read the identity from a text; `source` names it in messages. Raises InvalidProduct."""
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except ValueError as error:
        raise InvalidProduct(f"{source} cannot be read: {error}") from error
    formerly = values.pop("formerly", [])
    for key, longest in _LONGEST.items():
        value = values.get(key)
        if not isinstance(value, str) or not 0 < len(value.strip()) <= longest or not value.isprintable():
            raise InvalidProduct(f"{source}: `{key}` has to be one line of 1 to {longest} characters")
    if unknown := sorted({*values} - {*_LONGEST}):
        raise InvalidProduct(f"{source}: unknown key `{unknown[0]}`")
    if not (isinstance(formerly, list) and all(isinstance(slug, str) for slug in formerly)):
        raise InvalidProduct(f"{source}: `formerly` has to be a list of slugs")
    for slug in (values["slug"], *formerly):
        if not _SLUG.fullmatch(slug):
            raise InvalidProduct(
                f"{source}: the slug `{slug}` has to be lower-case words joined by single hyphens"
            )
    if not _DOMAIN.fullmatch(values["domain"]):
        raise InvalidProduct(f"{source}: `domain` has to be a host name in lower case, without a port")
    return Product(**values, formerly=tuple(formerly))


PRODUCT: Final = read()


def context(request: object) -> dict[str, Product]:
    """A context processor: `PRODUCT` in templates."""
    return {"PRODUCT": PRODUCT}
