"""Settings of a store on S3 or a compatible service, by django-storages."""

from __future__ import annotations

from typing import Any


def options(
    *, bucket: str, endpoint: str, region: str, access_key: str, secret_key: str, folder: str = ""
) -> dict[str, Any]:
    """An entry of STORAGES. Empty texts leave a value to AWS's rules: its endpoint, the machine's region and role."""
    from botocore.config import Config  # slow to load, and only needed where there is a bucket

    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "endpoint_url": endpoint or None,
            "region_name": region or None,
            "access_key": access_key or None,
            "secret_key": secret_key or None,
            "file_overwrite": False,
            "querystring_auth": True,
            "location": folder,
            "client_config": Config(
                signature_version="s3v4",
                # Services beside AWS rarely have a host for each bucket, and no certificate is for a host with more dots.
                # Left to itself, botocore would sign for AWS's global host, which redirects to the one of the region.
                s3={"addressing_style": "path" if endpoint or "." in bucket else "virtual"},
                # A store that does not answer must not block a thread for botocore's default of a minute.
                connect_timeout=3,
                read_timeout=10,
                retries={"mode": "standard", "total_max_attempts": 2},
            ),
        },
    }
