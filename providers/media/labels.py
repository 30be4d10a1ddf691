"""The label of an AI-made picture: what every file that was made here says about itself, in its XMP.

    Iptc4xmpExt:DigitalSourceType    how it came about, a full address of IPTC's vocabulary
    TC260:AIGC                       one JSON object in the seven keys of GB 45438-2025, annex E (practice guide
                                     TC260-PG-20259A for pictures), all strings of 0x21-0x7E without `"` and `\\`
    xmp:CreatorTool, xmp:CreateDate, dc:identifier    what California's SB 942 asks for besides

Each stands in the file once: a label that came with it is replaced, other XMP stays. No pixel is encoded anew.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID, uuid5
from xml.dom import minidom
from xml.dom.minidom import Document, Element
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

from providers.media.strip import Malformed
from providers.media.xmp import MAX_PACKET, read_packet, with_packet

VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"
CREATOR_TOOL = "Likeness"
DEFAULT_PRODUCER = "Likeness"
_PICTURES = UUID("5f3f7d0e-6a0c-4c7e-9f2b-1d2b7a8c4e11")
"""The name space of picture ids (RFC 9562, version 5): the same request and number, the same id."""

_X = "adobe:ns:meta/"
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_NAMESPACES = {
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
    "TC260": "http://www.tc260.org.cn/ns/AIGC/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_AIGC_KEYS = (
    "Label",
    "ContentProducer",
    "ProduceID",
    "ReservedCode1",
    "ContentPropagator",
    "PropagateID",
    "ReservedCode2",
)
_MADE_BY_AI = "1"


class SourceType(StrEnum):
    """The terms of IPTC's vocabulary that apply to what is made here."""

    ENHANCED = "algorithmicallyEnhanced"
    """Retouched, enlarged, filtered: the photo itself, by an algorithm."""
    COMPOSITE = "compositeWithTrainedAlgorithmicMedia"
    """A part of the photo stays and a part is generated."""
    GENERATED = "trainedAlgorithmicMedia"
    """Made anew, the style of a whole photo included."""


@dataclass(frozen=True, kw_only=True)
class Label:
    """What one picture says about itself. `produce_id` is unique to it; `created` in UTC."""

    source: SourceType
    produce_id: str
    created: datetime
    producer: str = DEFAULT_PRODUCER

    @property
    def aigc(self) -> Mapping[str, str]:
        """The object of annex E: who makes a picture is also the first to spread it."""
        producer = allowed(self.producer) or DEFAULT_PRODUCER
        values = (_MADE_BY_AI, producer, self.produce_id, "", producer, self.produce_id, "")
        return dict(zip(_AIGC_KEYS, values, strict=True))


def produce_id(request_key: str, number: int) -> str:
    """The id of the picture of this number that a request made: always the same, and of no other picture."""
    return str(uuid5(_PICTURES, f"{request_key}/{number}"))


def allowed(text: str) -> str:
    """`text` without the characters that a value of `TC260:AIGC` may not have."""
    return "".join(c for c in text if "\x21" <= c <= "\x7e" and c not in '"\\')


def labelled(data: bytes, label: Label) -> bytes:
    """`data` (JPEG, PNG or WebP) with this label and no other. Raises Malformed where it is none of them."""
    found = read_packet(data)
    packet = _packet(label, _tree(found))
    if len(packet) > MAX_PACKET:  # what others wrote leaves no room: the label is what has to be there
        packet = _packet(label, None)
    return with_packet(data, packet)


def foreign_packet(data: bytes) -> bytes | None:
    """What others wrote into the file's XMP, without a label; None where that is nothing that may be kept."""
    try:
        tree = _tree(read_packet(data))
    except Malformed:
        return None
    if tree is None:
        return None
    _drop_ours(tree)
    if not any(_children(d) or _properties_of(d) for d in _descriptions(tree)):
        return None
    packet = _wrapped(tree)
    return packet if len(packet) <= MAX_PACKET // 2 else None


def carried_over(data: bytes, *sources: bytes) -> bytes:
    """`data`, made from `sources` (made smaller, put side by side), with the label that they had; as it is where none
    of them had one. Of several labels the least natural source is named, under a number of its own."""
    labels = [label for source in sources if (label := read_label(source)) is not None]
    if not labels:
        return data
    if len(labels) == 1:
        return labelled(data, labels[0])
    ranks = list(SourceType)
    number = str(uuid5(_PICTURES, " ".join(label.produce_id for label in labels)))
    return labelled(
        data,
        Label(
            source=max((label.source for label in labels), key=ranks.index),
            produce_id=number,
            created=max(label.created for label in labels),
            producer=labels[0].producer,
        ),
    )


def read_label(data: bytes) -> Label | None:
    """The label a file carries, or None. For tests, `doctor`, and the question whether a picture was made here."""
    try:
        tree = _tree(read_packet(data))
    except Malformed:
        return None
    if tree is None:
        return None
    values = dict(_ours(tree))
    try:
        aigc = json.loads(values["AIGC"])
        return Label(
            source=SourceType(values["DigitalSourceType"].removeprefix(VOCABULARY)),
            produce_id=str(aigc["ProduceID"]),
            created=datetime.fromisoformat(values["CreateDate"]).astimezone(UTC),
            producer=str(aigc["ContentProducer"]),
        )
    except (KeyError, ValueError, TypeError):
        return None


def _properties(label: Label) -> dict[str, str]:
    return {
        "Iptc4xmpExt:DigitalSourceType": VOCABULARY + label.source.value,
        "TC260:AIGC": json.dumps(label.aigc, separators=(",", ":")),
        "xmp:CreatorTool": CREATOR_TOOL,
        "xmp:CreateDate": label.created.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "dc:identifier": label.produce_id,
    }


_NAMES = (
    "Iptc4xmpExt:DigitalSourceType",
    "TC260:AIGC",
    "xmp:CreatorTool",
    "xmp:CreateDate",
    "dc:identifier",
)
_OURS = frozenset((_NAMESPACES[prefix], name) for prefix, _, name in (key.partition(":") for key in _NAMES))


def _slot(name: str) -> str:
    return name.replace(":", "_")


_ALONE = (
    f'<x:xmpmeta xmlns:x="{_X}"><rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about=""'
    + "".join(f' xmlns:{name}="{address}"' for name, address in _NAMESPACES.items())
    + ">"
    + "".join(f"<{name}>{{{_slot(name)}}}</{name}>" for name in _NAMES)
    + "</rdf:Description></rdf:RDF></x:xmpmeta>"
)
"""A packet with our label and nothing else."""


def _tree(packet: bytes | None) -> Document | None:
    """The packet as a document, or None where it is none that may be kept."""
    if not packet:
        return None
    try:
        text = packet.decode("utf-8").strip("\ufeff\0 \n\r\t")
        if "<!" in text.replace("<!--", ""):  # a document type may define entities that grow without end
            return None
        tree = minidom.parseString(text)  # noqa: S318 - no document type is let through, and the size is bounded
    except (ExpatError, ValueError):  # UnicodeDecodeError is a ValueError
        return None
    return tree if tree.getElementsByTagNameNS(_RDF, "RDF") else None


def _descriptions(tree: Document) -> list[Element]:
    return [
        e for rdf in tree.getElementsByTagNameNS(_RDF, "RDF") for e in _children(rdf) if e.localName == "Description"
    ]


def _children(element: Any) -> list[Element]:
    return [node for node in element.childNodes if node.nodeType == node.ELEMENT_NODE]


def _ours(tree: Document) -> Iterator[tuple[str, str]]:
    """Name and text of every property of ours, written as an element or as an attribute."""
    for description in _descriptions(tree):
        for child in _children(description):
            if (child.namespaceURI, child.localName) in _OURS:
                yield str(child.localName), "".join(n.data for n in child.childNodes if n.nodeType == n.TEXT_NODE)
        for attribute in list(description.attributes.values()):
            if (attribute.namespaceURI, attribute.localName) in _OURS:
                yield str(attribute.localName), attribute.value


def _packet(label: Label, tree: Document | None) -> bytes:
    """`tree`: what others wrote, which stays. None: there is nothing, and nothing to be read for that."""
    if tree is None:
        return _framed(
            _ALONE.format(**{_slot(name): escape(text, {'"': "&quot;"}) for name, text in _properties(label).items()})
        )
    _drop_ours(tree)
    rdf = tree.getElementsByTagNameNS(_RDF, "RDF")[0]
    prefix = str(rdf.prefix)
    others = _descriptions(tree)
    mine = tree.createElementNS(_RDF, f"{prefix}:Description")
    mine.setAttributeNS(_RDF, f"{prefix}:about", others[0].getAttributeNS(_RDF, "about") if others else "")
    for name, address in _NAMESPACES.items():
        mine.setAttributeNS(_XMLNS, f"xmlns:{name}", address)
    for name, text in _properties(label).items():
        element = tree.createElementNS(_NAMESPACES[name.partition(":")[0]], name)
        element.appendChild(tree.createTextNode(text))
        mine.appendChild(element)
    rdf.appendChild(mine)
    return _wrapped(tree)


def _wrapped(tree: Document) -> bytes:
    return _framed(str(next(n for n in tree.childNodes if n.nodeType == n.ELEMENT_NODE).toxml()))


def _framed(xml: str) -> bytes:
    begin, end = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>', '<?xpacket end="w"?>'
    return f"{begin}\n{xml}\n{end}".encode()


def _properties_of(description: Element) -> list[str]:
    """The properties written as attributes: not the name spaces, not what the description is about."""
    names = [a for a in description.attributes.values() if a.namespaceURI not in (_XMLNS, _RDF)]
    return [str(a.localName) for a in names]


def _drop_ours(tree: Document) -> None:
    for description in _descriptions(tree):
        for child in _children(description):
            if (child.namespaceURI, child.localName) in _OURS:
                description.removeChild(child)
        for attribute in list(description.attributes.values()):
            if (attribute.namespaceURI, attribute.localName) in _OURS:
                description.removeAttributeNode(attribute)
