"""Static files of production: hashed names, compressed copies, also for the modules that a module imports."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Rewrites `import "./x.js"` to the hashed name, so that every file may be cached for ever."""

    support_js_module_import_aggregation = True
