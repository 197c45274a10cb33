"""Personalisation: Liquid with little in it and limits around it.

Known from Keila, Kit and Shopify, so owners can write it. What a letter does
not need is left out: no loader (``include`` and ``render`` cannot be written),
no ``raw`` and ``comment`` (they hide tags from the checks), no date filter (it
asks the machine's clock), no filter that multiplies text.

Escaping is our own. python-liquid's autoescape trusts string literals, so
``{{ "<script>" }}`` would slip past the sanitiser; here every output of the
HTML part is escaped, whatever it came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TextIO

import liquid
from liquid import BoundTemplate, StrictDefaultUndefined
from liquid.builtin import content, illegal, output
from liquid.builtin.filters import misc, string
from liquid.builtin.tags import assign_tag, case_tag, for_tag, if_tag, unless_tag
from liquid.context import RenderContext
from liquid.exceptions import LiquidError, ResourceLimitError, UndefinedError
from liquid.stringify import to_liquid_string
from markupsafe import escape

from listkeeper.foundation import language
from listkeeper.foundation.errors import Invalid

_TAGS = (
    content.Literal, illegal.Illegal, if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag, assign_tag.AssignTag,
    for_tag.ForTag, for_tag.BreakTag, for_tag.ContinueTag,
)  # fmt: skip
FILTERS = {
    "append": string.append,
    "capitalize": string.capitalize,
    "default": misc.default,
    "downcase": string.downcase,
    "prepend": string.prepend,
    "size": misc.size,
    "strip": string.strip,
    "truncate": string.truncate,
    "truncatewords": string.truncatewords,
    "upcase": string.upcase,
}


class _EscapedOutputNode(output.OutputNode):
    """``{{ … }}`` whose value is escaped, without exception."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(escape(to_liquid_string(self.expression.evaluate(context), autoescape=False)))


class _EscapedOutput(output.Output):
    node_class = _EscapedOutputNode


class _Plain(liquid.Environment):
    """Liquid for subject, preheader and text part."""

    loop_iteration_limit = 1_000
    output_stream_limit = 500_000
    context_depth_limit = 10
    block_nesting_limit = 10
    local_namespace_limit = 50_000
    output_tag: type[output.Output] = output.Output

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        del extra
        for tag in (*_TAGS, self.output_tag):
            self.add_tag(tag)
        self.filters.update(FILTERS)


class _Html(_Plain):
    """Liquid for the HTML part."""

    output_tag = _EscapedOutput


_PLAIN = _Plain(undefined=StrictDefaultUndefined)
_HTML = _Html(undefined=StrictDefaultUndefined)


def parse(source: str, *, html: bool) -> BoundTemplate:
    """Parse a template; raises LiquidError, whose token knows the place."""
    return (_HTML if html else _PLAIN).from_string(source)


def render(template: BoundTemplate, values: Mapping[str, Any]) -> str:
    """Fill a parsed template; raises Invalid when a name is missing, a filter fails or a limit is passed."""
    try:
        return template.render(values)
    except UndefinedError as error:
        what = str(error.message)
        sentence = language.text("A merge tag asks for something that is not known: %(what)s.", what=what)
        raise Invalid("merge_tag_unknown", sentence) from error
    except ResourceLimitError as error:
        what = str(error.message)
        sentence = language.text("The merge tags of this letter do more than a letter may: %(what)s.", what=what)
        raise Invalid("merge_tags_too_much", sentence) from error
    except LiquidError as error:
        what = str(error.message)
        sentence = language.text("A merge tag of this letter cannot be filled in: %(what)s.", what=what)
        raise Invalid("merge_tag_failed", sentence) from error


def nested(values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return dotted names as Liquid reads them: ``{"a.b": v}`` becomes ``{"a": {"b": v}}``."""
    made: dict[str, dict[str, str]] = {}
    for name, value in values.items():
        root, _, key = name.partition(".")
        made.setdefault(root, {})[key] = value
    return made
