"""Static files of production: hashed names and compressed copies, also for the imports of modules."""

from __future__ import annotations

from whitenoise.storage import CompressedManifestStaticFilesStorage


class HashedStaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # whitenoise has no types
    """Rewrites `import "./x.js"` to the hashed name, so that every file can be cached for a year."""

    support_js_module_import_aggregation = True
