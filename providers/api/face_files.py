"""Where the trained faces of the Python API and the command line are stored.

Each is a file of its own under `<data_dir>/faces`, until it is deleted. One that is still being learnt is in no file
but in the journal of its call.
"""

import hashlib
from pathlib import Path

from pydantic import TypeAdapter

from providers.api.journal import Document, documents, requests_folder
from providers.errors import AskPerson
from providers.faces import Status, TrainedFace
from providers.journal import Stage
from providers.media.files import PRIVATE_FOLDER, delete_quietly, write_file
from providers.settings import ProviderSettings
from providers.task import Gender

_FACE = TypeAdapter(TrainedFace)
_GENDERS = ("female", "male")


def check_gender(given: str | None) -> Gender | None:
    """Raises AskPerson `bad_gender`."""
    if given is None:
        return None
    if given not in _GENDERS:
        raise AskPerson("no such gender", code="bad_gender")
    return "female" if given == "female" else "male"


def find_face(face: str, settings: ProviderSettings) -> TrainedFace:
    """A face that is ready. Raises AskPerson `unknown_face`. Blocks."""
    found = next((one for one in known_faces(settings) if one.id == face and one.status == "ready"), None)
    if found is None:
        raise AskPerson("no such trained face", code="unknown_face")
    return found


def known_faces(settings: ProviderSettings) -> list[TrainedFace]:
    """Those that are kept, and those being learnt; the newest first. Blocks."""
    files = sorted(_folder(settings).glob("*.json"))
    kept = {face.id: face for face in (_FACE.validate_json(file.read_bytes()) for file in files)}
    for document in documents(requests_folder(settings)):
        face = face_of(document, status="training")
        if face is not None and face.id not in kept and _goes_on(document):
            kept[face.id] = face
    return sorted(kept.values(), key=lambda face: face.created, reverse=True)


def keep_face(face: TrainedFace, settings: ProviderSettings) -> None:
    """Write it down. Blocks."""
    _folder(settings).mkdir(parents=True, exist_ok=True, mode=PRIVATE_FOLDER)
    write_file(_FACE.dump_json(face), into=_folder(settings), name=_file(settings, face.id).name)


def face_of(document: Document, *, status: Status) -> TrainedFace | None:
    """The face of a call that trains one, as soon as the service has named it."""
    call, records = document.call, document.records
    record = records.get(call.pieces[0].key)
    if call.training is None or record is None or record.submission is None or record.submission.face is None:
        return None
    return TrainedFace(
        id=record.submission.face,
        service=record.provider,
        training=record.submission.request_id,
        name=call.training.name,
        gender=call.training.gender,
        status=status,
        created=call.created,
    )


def drop_face(face: TrainedFace, settings: ProviderSettings) -> None:
    """Blocks."""
    delete_quietly([_file(settings, face.id)])


def _goes_on(document: Document) -> bool:
    return any(record.stage is Stage.ACCEPTED for record in document.records.values())


def _folder(settings: ProviderSettings) -> Path:
    return settings.data_dir / "faces"


def _file(settings: ProviderSettings, face: str) -> Path:
    """The service's names may hold anything."""
    return _folder(settings) / f"{hashlib.sha256(face.encode()).hexdigest()[:32]}.json"
