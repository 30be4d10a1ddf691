"""Every error code there is. A type, so that the type checker finds a code that is misspelt where it is raised.

A code is stable, and for programs. What a person reads stands in `handlers/texts/` under `error.<code>`, what the
command line and Python say in `providers/api/error_sentences.py`; tests hold both to this list.
"""

from typing import Literal, cast, get_args

Code = Literal[
    # What was asked for
    "bad_request",
    "unknown_style",
    "unknown_action",
    "unknown_model",
    "unknown_aspect_ratio",
    "bad_count",
    "bad_scale",
    "bad_items",
    "bad_key",
    "bad_outpaint",
    "bad_consistency",
    "bad_priority",
    "bad_weights",
    "bad_mask",
    "need_photo",
    "need_second_photo",
    "need_text",
    "prompt_too_long",
    "refused_content",
    # The photo
    "file_not_found",
    "file_not_readable",
    "not_a_file",
    "not_a_photo",
    "photo_truncated",
    "photo_unreadable",
    "photo_too_small",
    "photo_too_many_pixels",
    "photo_too_large_file",
    "photo_gone",
    "no_face",
    "several_faces",
    "background_unclear",
    "id_photo_room",
    "picture_too_small",
    "crop_room",
    "not_straightened",
    "font_missing",
    "text_too_long",
    "unknown_filter",
    "face_unusable",
    "unknown_face",
    "bad_url",
    "url_not_public",
    "url_not_found",
    "url_too_large",
    "url_timeout",
    "url_failed",
    # Who makes it: nobody was asked
    "no_provider",
    "provider_cannot",
    "provider_blocked",
    "provider_not_configured",
    "unknown_provider",
    "needs_other_provider",
    "consent_needed",
    "budget_exceeded",
    "cutout_model",
    # Certainly not taken
    "provider_unavailable",
    "provider_busy",
    "provider_credit",
    "provider_key",
    "provider_forbidden",
    "provider_address",
    "provider_endpoint",
    "provider_rejected",
    "embedded_broken",
    "provider_gone",
    # How it ended
    "outcome_unknown",
    "provider_failed",
    "made_nothing",
    "bad_picture",
    "fewer_pictures",
    "deadline",
    "picture_lost",
    "result_gone",
    "result_refused",
    "result_unreachable",
    "job_lost",
    "job_locked",
    "cancelled",
    "cancel_asked",
    "nothing_paid",
    "not_resumable",
    "unknown_request",
    "request_running",
    "internal",
    # Channels
    "delivery",
    "delivery_later",
    "delivery_refused",
    "delivery_unknown",
    "channel_missing",
    "lost",
    "wechat",
    "wechat_away",
    "wechat_unclear",
    "wechat_not_configured",
]

CODES: frozenset[str] = frozenset(get_args(Code))


def known_code(code: str) -> Code:
    """A code that was kept, or came from another process, as one of ours; `internal` for what is none."""
    return cast(Code, code) if code in CODES else "internal"
