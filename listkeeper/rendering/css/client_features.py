"""Under which name caniemail.com knows what HTML and CSS consist of; what is in no table here, it does not know.

The tables are the whole of the mapping: a test holds that each of its pages
about HTML, CSS and pictures is reached from here.
"""

from __future__ import annotations

from collections.abc import Mapping


def _each(names: str, feature: str) -> dict[str, str]:
    """Give each name its feature; ``*`` in it stands for the name."""
    return {name: feature.replace("*", name) for name in names.split()}


ELEMENTS: Mapping[str, str] = {
    **_each(
        "abbr acronym address audio base bdi blockquote body code del dfn dialog div form hr img link marquee "
        "meter object p picture pre progress rp rt ruby select small span strike strong style svg table "
        "textarea video wbr",
        "html-*",
    ),
    **_each("h1 h2 h3 h4 h5 h6", "html-h1-h6"),
    **_each("ul ol li dl dt dd", "html-lists"),
    **_each(
        "article aside details figcaption figure footer header main mark nav section summary time", "html-semantics"
    ),
    **_each("thead tbody tfoot tr td th caption colgroup col", "html-table"),
    **_each("map area", "html-image-maps"),
}
ATTRIBUTES: Mapping[str, str] = {
    **_each(
        "align aria-describedby aria-hidden aria-label aria-labelledby aria-live background cellpadding "
        "cellspacing dir height hidden lang popover required role target valign width",
        "html-*",
    ),
    **_each("srcset sizes", "html-srcset"),
    "loading": "html-loading-attribute",
    "usemap": "html-image-maps",
    "inert": "css-inert-attribute",
}
INPUTS: Mapping[str, str] = {
    name: f"html-{'button' if name.startswith('button') else 'input'}-{name.removeprefix('button ')}"
    for name in ("checkbox", "hidden", "radio", "reset", "submit", "text", "button reset", "button submit")
}
PICTURES: Mapping[str, str] = {
    **_each("apng avif bmp gif hdr ico jpg mp4 png svg tiff webp heif", "image-*"),
    **_each("jpeg", "image-jpg"),
    **_each("tif", "image-tiff"),
    **_each("heic", "image-heif"),
}
PROPERTIES: Mapping[str, str] = {
    **_each(
        "accent-color align-items animation aspect-ratio backdrop-filter background background-blend-mode "
        "background-clip background-color background-image background-origin background-position "
        "background-repeat background-size border border-collapse border-image border-radius border-spacing "
        "box-shadow box-sizing caption-side clear clip-path color-scheme column-count cursor direction "
        "display empty-cells filter flex-direction flex-wrap float font font-kerning font-size "
        "font-size-adjust font-stretch font-weight grid-template height hyphenate-character "
        "hyphenate-limit-chars hyphens inline-size inset justify-content letter-spacing line-height "
        "list-style list-style-image list-style-position list-style-type margin mask-image max-block-size "
        "max-height max-inline-size max-width min-block-size min-height min-inline-size min-width "
        "mix-blend-mode object-fit object-position opacity orphans outline outline-offset overflow "
        "overflow-wrap padding position resize shape-margin shape-outside tab-size table-layout text-align "
        "text-align-last text-decoration text-decoration-color text-decoration-line text-decoration-skip-ink "
        "text-decoration-style text-decoration-thickness text-emphasis text-emphasis-position text-indent "
        "text-justify text-orientation text-overflow text-shadow text-transform text-underline-offset "
        "text-underline-position text-wrap transform transition user-select vertical-align visibility "
        "white-space white-space-collapse widows width word-break word-spacing word-wrap writing-mode z-index",
        "css-*",
    ),
    **_each("left right top bottom", "css-left-right-top-bottom"),
    **_each("gap column-gap row-gap", "css-gap"),
    **_each("block-size", "css-block-inline-size"),
    **_each(
        "inset-block inset-inline inset-inline-start inset-inline-end inset-block-start inset-block-end", "css-inset"
    ),
    **_each("grid-template-areas grid-template-columns grid-template-rows", "css-grid-template"),
    **_each("margin-left margin-right margin-top margin-bottom", "css-margin"),
    **_each("padding-left padding-right padding-top padding-bottom", "css-padding"),
    **_each("margin-block-start margin-block-end", "css-margin-block-start-end"),
    **_each("margin-inline-start margin-inline-end", "css-margin-inline-start-end"),
    **_each("margin-inline margin-block", "css-margin-inline-block"),
    **_each("padding-block-start padding-block-end", "css-padding-block-start-end"),
    **_each("padding-inline-start padding-inline-end", "css-padding-inline-start-end"),
    **_each("padding-inline padding-block", "css-padding-inline-block"),
    **_each("border-inline border-block", "css-border-inline-block"),
    **_each("overflow-block overflow-inline overflow-x overflow-y", "css-overflow"),
    **{f"border-{side}": "css-border" for side in ("top", "right", "bottom", "left")},
    **{f"border-{part}": "css-border" for part in ("width", "style", "color")},
    **{
        f"border-{side}-{part}": "css-border"
        for side in ("top", "right", "bottom", "left")
        for part in ("width", "style", "color")
    },
    **{
        f"border-{axis}-{part}": "css-border-inline-block-individual"
        for axis in ("inline", "block")
        for part in ("width", "style", "color", "start", "end")
    },
    **{
        f"border-{axis}-{end}-{part}": "css-border-inline-block-longhand"
        for axis in ("inline", "block")
        for end in ("start", "end")
        for part in ("width", "style", "color")
    },
    **{f"border-{y}-{x}-radius": "css-border-radius" for y in ("top", "bottom") for x in ("left", "right")},
    **{f"border-{y}-{x}-radius": "css-border-radius-logical" for y in ("start", "end") for x in ("start", "end")},
    **_each("columns column-fill column-span column-width", "css-column-layout-properties"),
    **_each("column-rule column-rule-color column-rule-style column-rule-width", "css-column-layout-properties"),
    **_each("scroll-snap-type scroll-snap-align", "css-scroll-snap"),
}
DISPLAYS: Mapping[str, str] = {
    **_each("flex inline-flex", "css-display-flex"),
    **_each("grid inline-grid", "css-display-grid"),
    "none": "css-display-none",
}
UNITS: Mapping[str, str] = {
    "%": "css-unit-percent",
    **_each("ch cm em ex in mm pc pt px rem vh vmax vmin vw", "css-unit-*"),
}
FUNCTIONS: Mapping[str, str] = {
    "calc": "css-unit-calc",
    "clamp": "css-function-clamp",
    "min": "css-function-min",
    "max": "css-function-max",
    "light-dark": "css-function-light-dark",
    "rgb": "css-rgb",
    "rgba": "css-rgba",
    "var": "css-variables",
    **_each("linear-gradient repeating-linear-gradient", "css-linear-gradient"),
    **_each("radial-gradient repeating-radial-gradient", "css-radial-gradient"),
    **_each("conic-gradient repeating-conic-gradient", "css-conic-gradient"),
    **_each("lch oklch lab oklab", "css-modern-color"),
}
WORDS: Mapping[str, str] = {
    "initial": "css-unit-initial",
    **_each("fit-content min-content max-content", "css-intrinsic-size"),
    **_each("system-ui ui-serif ui-sans-serif ui-rounded ui-monospace", "css-sytem-ui"),
}
AT_RULES: Mapping[str, str] = {
    "@font-face": "css-at-font-face",
    "@import": "css-at-import",
    "@keyframes": "css-at-keyframes",
    "@media": "css-at-media",
    "@supports": "css-at-supports",
}
MEDIA: Mapping[str, str] = {
    "device-pixel-ratio": "css-at-media-device-pixel-ratio",
    "hover": "css-at-media-hover",
    "orientation": "css-at-media-orientation",
    "prefers-color-scheme": "css-at-media-prefers-color-scheme",
    "prefers-reduced-motion": "css-at-media-prefers-reduced-motion",
}
STATES: Mapping[str, str] = {
    **_each(
        "active checked default first-child first-of-type focus focus-visible focus-within has hover lang "
        "last-child last-of-type link not nth-child nth-last-child nth-last-of-type nth-of-type only-child "
        "only-of-type target visited",
        "css-pseudo-class-*",
    ),
    **_each("after before first-letter first-line marker placeholder", "css-pseudo-element-*"),
}
SELECTORS: Mapping[str, str] = {
    "+": "css-selector-adjacent-sibling",
    "[]": "css-selector-attribute",
    "chained": "css-selector-chaining",
    ">": "css-selector-child",
    ".": "css-selector-class",
    "descendant": "css-selector-descendant",
    "~": "css-selector-general-sibling",
    ",": "css-selector-grouping",
    "#": "css-selector-id",
    "type": "css-selector-type",
    "*": "css-selector-universal",
}
WAYS: Mapping[str, str] = {
    "mailto:": "html-mailto-links",
    "#": "html-anchor-links",
    "base64": "image-base64",
    "!important": "css-important",
    "nesting": "css-nesting",
    "/* */": "css-comments",
    "<!-- -->": "html-comments",
    "<!doctype html>": "html-doctype",
    "color-scheme": "html-meta-color-scheme",
}
NEUTRAL: Mapping[str, frozenset[str]] = {
    **{name: frozenset({"none"}) for name in ("float", "clear", "transform", "filter", "animation", "transition")},
    **{name: frozenset({"normal", "0"}) for name in ("word-spacing", "letter-spacing")},
    **{name: frozenset({"visible"}) for name in ("visibility", "overflow")},
    "position": frozenset({"static"}),
    "opacity": frozenset({"1"}),
    "direction": frozenset({"ltr"}),
}
"""Values that a property has anyway: who ignores it does the same."""
