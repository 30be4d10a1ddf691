"""Picture files: accepted from people, prepared for services, downloaded, checked and saved.

Import from the modules; this one stays empty so that a worker process pays only for what it uses.

    accept      a person's file or bytes  → an upright sRGB file without metadata, at most 10 MB
    upstream    such a file               → within a service's limits, data URI, mask
    download    a URL or data: URI        → bytes, from public addresses or trusted origins only
    save        bytes from a provider     → a `PictureFile`, read to its last pixel before it counts
    preview     a picture file            → thumbnail, small JPEG, contact sheet, is it blank?
    strip       JPEG, PNG, WebP              → put together anew around the same coded pixels
    sound       such a file                  → is it coded as it should be, to its last byte?
    pieces      bytes of any kind            → is it of so many pieces that opening it would be an attack?
    threads     `in_thread`: runs any of the synchronous ones off the event loop
    files       safe reading, atomic writing, quiet deleting
"""
