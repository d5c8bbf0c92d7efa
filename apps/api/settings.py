"""Settings of DRF and OpenAPI. The zone table decides who may enter."""

from __future__ import annotations

from typing import Any

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apps.common.http.authentication.GuardedAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apps.common.http.authentication.ZoneFloor"],
    "DEFAULT_RENDERER_CLASSES": ["apps.common.http.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.common.http.parsers.StrictJSONParser"],
    "DEFAULT_PAGINATION_CLASS": "apps.common.http.pagination.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "apps.api.openapi.schema.ZoneAutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [],
    "EXCEPTION_HANDLER": "apps.api.problems.exception_handler",
    "PAGE_SIZE": 20,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "URL_FORMAT_OVERRIDE": None,
    "FORMAT_SUFFIX_KWARG": None,
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_ADD_EXPLICIT_BLANK_NULL_CHOICE": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SORT_OPERATIONS": True,
    # It takes all zones for one API; `manage.py zones validate` and the tests hold each zone's schema to no warning.
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
}
