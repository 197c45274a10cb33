"""How things look to programs: prefixed ids, RFC 3339 times, one object at a time, unknown fields refused."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

_ID = "7k2v9m4c0x8q3w6n1t5z"


class Shape(BaseModel):
    """One JSON object; what it does not name is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Nothing(Shape):
    """An object without fields."""


def _name(prefix: str) -> str:
    return rf"^{prefix}_[0-9a-z]{{20}}$"


ListId = Annotated[str, Field(pattern=_name("lst"), description="A mailing list.", examples=[f"lst_{_ID}"])]
FormId = Annotated[str, Field(pattern=_name("frm"), description="A signup form.", examples=[f"frm_{_ID}"])]
SourceId = Annotated[str, Field(pattern=_name("src"), description="A source.", examples=[f"src_{_ID}"])]
QuestionId = Annotated[str, Field(pattern=_name("qst"), description="A question.", examples=[f"qst_{_ID}"])]
SegmentId = Annotated[str, Field(pattern=_name("seg"), description="A segment.", examples=[f"seg_{_ID}"])]
SubscriberId = Annotated[str, Field(pattern=_name("sub"), description="A subscriber.", examples=[f"sub_{_ID}"])]
CampaignId = Annotated[str, Field(pattern=_name("cmp"), description="A campaign.", examples=[f"cmp_{_ID}"])]
KeyId = Annotated[str, Field(pattern=_name("key"), description="An API key.", examples=[f"key_{_ID}"])]
OrganisationId = Annotated[str, Field(pattern=_name("org"), description="A business.", examples=[f"org_{_ID}"])]
Moment = Annotated[
    str,
    Field(
        description="A moment: RFC 3339, UTC, milliseconds.",
        examples=["2026-11-23T08:15:00.120Z"],
        json_schema_extra={"format": "date-time"},
    ),
]
# Longer than any address (RFC 5321 section 4.5.3.1): what is wrong with one is said in a sentence of its own.
Address = Annotated[
    str, Field(min_length=1, max_length=1000, description="An e-mail address.", examples=["anna@shop.example"])
]
Digest = Annotated[
    str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256, 64 hexadecimal digits.", examples=["9f86d081" * 8])
]
