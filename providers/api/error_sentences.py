"""One English sentence for every error code, for the Python API and the command line.

What a chat says, in two languages, is the handlers' business (`handlers/texts/`).
"""

from collections.abc import Mapping
from string import Formatter

from providers.errors import AskPerson, LikenessError, MadeNothing, MaybePaid, TellOperator, WaitAndRetry

SENTENCES: Mapping[str, str] = {
    # What was asked for
    "unknown_style": "There is no style “{given}”. Nearest: {nearest}.",
    "unknown_action": "There is no action “{given}”. Nearest: {nearest}.",
    "unknown_model": "There is no model “{given}”. Nearest: {nearest}.",
    "unknown_aspect_ratio": "The aspect ratio “{given}” is not offered. Nearest: {nearest}.",
    "unknown_provider": "There is no provider “{given}”. Nearest: {nearest}.",
    "bad_count": "The count “{given}” is not between 1 and 8.",
    "bad_scale": "The scale “{given}” is not offered. Use 2 or 4.",
    "bad_outpaint": "Each side is extended by 0 to 2000 pixels, and at least one by more than 0.",
    "bad_consistency": "The consistency “{given}” is not offered. Use strict, balanced or loose.",
    "bad_priority": "The priority “{given}” is not offered. Use quality, speed, cost or privacy.",
    "bad_weights": "Weights are names and numbers of 0 and above, such as fal=0.7,openai=0.3.",
    "face_unusable": "A photo does not show one clear face.",
    "face_unusable_no_face": "Photo {number} shows no face.",
    "face_unusable_several_faces": "Photo {number} shows several people; it must be one.",
    "face_unusable_not_frontal": "In photo {number} the face is turned away; it must look at the camera.",
    "face_unusable_too_small": "In photo {number} the face is too small.",
    "face_unusable_unclear": "In photo {number} the face is not clear.",
    "face_unusable_other": "Photo {number} does not show one clear face from the front.",
    "unknown_face": "There is no trained face of this id.",
    "need_gender": "There is one preset for women and one for men; say which: female or male.",
    "bad_gender": "The presets are female or male.",
    "too_many_photos": "A face is learnt from at most {most} photos.",
    "bad_items": "A series is a list of one to eight objects with style, scene or prompt.",
    "bad_key": "A request's key is made of letters, digits, - and _, at most 64 of them.",
    "need_photo": "This needs a picture.",
    "need_second_photo": "This needs a second picture.",
    "need_text": "This needs a few words that say what to do.",
    "prompt_too_long": "The description is too long.",
    "refused_content": "This content was refused.",
    "bad_mask": "The mask must be a picture of the photo's shape that marks something in white.",
    "marked_too_large": "{n} % of the picture is marked; this machine alone can fill at most {most} %.",
    # The photo
    "file_not_found": "The file was not found.",
    "file_not_readable": "The file cannot be read.",
    "not_a_file": "This is not a regular file.",
    "not_a_photo": "This is not a photo in a known format.",
    "photo_truncated": "The photo is incomplete.",
    "photo_unreadable": "The photo cannot be read.",
    "photo_too_small": "The photo is too small; each side needs at least {min_side} pixels.",
    "photo_too_many_pixels": "The photo has too many pixels; at most {max_mp} million.",
    "photo_too_large_file": "The photo is larger than {max_mb} MB.",
    "no_face": "No face was found in the photo.",
    "several_faces": "There are several people in the photo; this needs one.",
    "background_unclear": "The person cannot be told from the background in this photo.",
    "id_photo_room": "There is too little room around the head for an ID photo.",
    "crop_room": "There is no room in the photo for this crop without cutting somebody off.",
    "not_straightened": "There is nothing in the photo to straighten it by.",
    "picture_too_small": "The picture is too small for this.",
    "font_missing": "No font here can write {letters}.",
    "text_too_long": "The text is too long for the picture.",
    "unknown_filter": "There is no such filter. There are: {filters}.",
    "bad_url": "This is not a usable address.",
    "url_not_public": "This address is not public.",
    "url_not_found": "There is nothing at this address.",
    "url_too_large": "What lies at this address is larger than {max_mb} MB.",
    "url_timeout": "The address took too long to answer.",
    "photo_gone": "The photo is no longer there.",
    "url_failed": "The address could not be reached.",
    "cutout_model": "The network for cut-outs cannot be used.",
    # Who makes it
    "no_provider": "No configured provider can do this. These could: {could}.",
    "nobody_can": "No provider can do this.",
    "provider_blocked": "The provider {given} is blocked by the settings.",
    "provider_cannot": "The provider {given} cannot do this ({reason}).",
    "provider_not_configured": "The provider {given} is not set up; it needs {setting}.",
    "needs_other_provider": "This is more than can be done on this machine; it needs another provider.",
    "embedded_broken": "Picture work on this machine is broken; `likeness doctor` says how to mend it.",
    "consent_needed": "{company} has not been accepted for these photos.",
    "budget_exceeded": "The budget for today would be passed; nothing was submitted.",
    "ledger_unavailable": "The database with today's budget cannot be reached; nothing was submitted.",
    "provider_gone": "The provider of this request is no longer set up.",
    "provider_key": "The service did not accept the key.",
    "provider_credit": "The balance at the service is empty.",
    "provider_forbidden": "The service does not allow this to this account.",
    "provider_endpoint": "The service does not offer this model at the address set.",
    "provider_address": "The address set for the service is wrong.",
    "provider_rejected": "The service did not accept the request.",
    "provider_busy": "The service is busy; try again in a moment.",
    "provider_unavailable": "The service could not be reached.",
    # How it ended
    "cancelled": "The request was cancelled.",
    "cancel_asked": "The request was cancelled while it ran; it may be charged.",
    "bad_request": "This cannot be done as asked.",
    "internal": "Something went wrong here.",
    "made_nothing": "The service made no picture.",
    "provider_failed": "The service failed while making the picture.",
    "bad_picture": "What the service sent was no whole picture.",
    "picture_lost": "The picture was made but could not be downloaded; resume the request to try again, at no charge.",
    "result_unreachable": "The result is out of reach for now; resume the request to fetch it, at no charge.",
    "result_refused": "The result's address was not safe to download from.",
    "result_gone": "The result is gone from the service.",
    "job_locked": "The service no longer lets us ask about this request; mend the key and resume it.",
    "job_lost": "The service no longer knows this request.",
    "deadline": "The time for this request is over; what was accepted can be resumed, at no charge.",
    "outcome_unknown": "The connection broke in the middle of the request. It may be charged, so it was not repeated.",
    "fewer_pictures": "The service made fewer pictures than asked for.",
    # Requests kept for resuming
    "unknown_request": "There is no request of this key.",
    "request_running": "This request is being worked on right now.",
}

_BY_KIND: tuple[tuple[type[LikenessError], str], ...] = (
    (AskPerson, SENTENCES["bad_request"]),
    (WaitAndRetry, SENTENCES["provider_busy"]),
    (TellOperator, SENTENCES["provider_forbidden"]),
    (MadeNothing, SENTENCES["made_nothing"]),
    (MaybePaid, SENTENCES["outcome_unknown"]),
)


def sentence_for(error: LikenessError) -> str:
    """The sentence of an error's text or code, or of its kind where there is none, or where it lacks a value."""
    named = error.text_key.removeprefix("error.")
    sentence = SENTENCES.get(named) or SENTENCES.get(error.code)
    if sentence is not None and {name for _, name, _, _ in Formatter().parse(sentence) if name} <= set(error.params):
        return sentence.format_map(error.params)
    return next((text for kind, text in _BY_KIND if isinstance(error, kind)), SENTENCES["internal"])
