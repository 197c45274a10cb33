"""Records that begin with their version."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from listkeeper.standards import versioned_record

_NAMES = st.from_regex(r"[a-z0-9][a-zA-Z0-9_.-]{0,8}", fullmatch=True)
_VALUES = st.from_regex(r"[!-:<-~]{0,12}", fullmatch=True)


@given(st.dictionaries(_NAMES, _VALUES, max_size=5), st.sampled_from([";", " ; ", ";\t"]), st.booleans())
def test_whatever_is_written_is_read_back(fields: dict[str, str], between: str, end: bool) -> None:
    text = between.join(["v=X1", *(f"{name}={value}" for name, value in fields.items())]) + (between if end else "")
    assert versioned_record.fields(text, "X1") == fields


@given(st.text(max_size=80))
def test_any_text_is_fields_or_words(text: str) -> None:
    for whole in (text, f"v=X1;{text}"):
        read = versioned_record.fields(whole, "X1")
        assert read or read == {}
        assert isinstance(read, dict) <= bool(versioned_record.of_version([whole], "X1"))
