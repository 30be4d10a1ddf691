"""`MEDIA_URL` and the settings that belong to it, as a store of pictures."""

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from providers.media.bucket import BucketStore

if TYPE_CHECKING:
    from bot.settings import Settings


def bucket_store(settings: "Settings") -> BucketStore:
    """For `s3://BUCKET/PREFIX`. Without keys in the settings, those of the environment or the machine are used, which
    AWS's own programs find too."""
    from obstore.store import S3Store

    where = urlsplit(settings.media_url or "")
    key, secret = settings.media_access_key_id, settings.media_secret_access_key
    config = {
        "endpoint": settings.media_endpoint,
        "region": settings.media_region or ("us-east-1" if settings.media_endpoint else None),
        "access_key_id": key.get_secret_value() if key else None,
        "secret_access_key": secret.get_secret_value() if secret else None,
        "virtual_hosted_style_request": settings.media_virtual_hosted or None,
    }
    bucket = S3Store(
        where.netloc,
        prefix=where.path.strip("/") or None,
        client_options={
            "timeout": timedelta(seconds=60),
            "connect_timeout": timedelta(seconds=3),
            "allow_http": (settings.media_endpoint or "").startswith("http://"),
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
        **{name: value for name, value in config.items() if value is not None},  # type: ignore[arg-type]
    )
    return BucketStore(data=settings.data_dir, pictures=settings.output_dir, bucket=bucket)
