"""Settings of identity that are read from text."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from config.settings.components.identity import provider_rows


def test_rows_of_providers_are_json() -> None:
    assert provider_rows("") == []
    assert provider_rows('[{"name": "acme"}]') == [{"name": "acme"}]
    for text in ("{}", "[", "a secret"):
        with pytest.raises(ImproperlyConfigured, match="OIDC_PROVIDERS is no JSON list") as refused:
            provider_rows(text)
        assert "secret" not in str(refused.value)
