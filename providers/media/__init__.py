"""Picture files: accepted from people, prepared for services, downloaded, checked and saved.

Import from the modules; this one stays empty so that a worker process pays only for what it uses.

    accept      a person's file or bytes  → an upright sRGB file without metadata, at most 10 MB
    upstream    such a file               → within a service's limits, data URI, mask
    download    a URL or data: URI        → bytes, from public addresses or trusted origins only
    save        bytes from a provider     → a `PictureFile`, decoded in full before it counts
    preview     a picture file            → thumbnail, small JPEG, contact sheet, is it blank?
    threads     `in_thread`: runs any of the synchronous ones off the event loop
    files       safe reading, atomic writing, quiet deleting
"""
