"""QR codes: as SVG for printers, as PNG for posts, and as runs of dark modules for whoever draws them.

Error correction Q: a quarter of the code may be scratched, folded or wet. Four
light modules all around, as ISO/IEC 18004 asks; many phones need them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import groupby

import qrcode  # type: ignore[import-untyped]
from PIL import Image

QUIET = 4
_DOTS_OF_A_MODULE = 16
_PRINTED_AT = 300

# Row, first column and length of a run of dark modules.
Run = tuple[int, int, int]


def matrix(text: str) -> list[list[bool]]:
    """Return the modules of a code, row by row, dark is true; with the quiet zone."""
    code = qrcode.QRCode(error_correction=qrcode.constants.ERROR_CORRECT_Q, border=QUIET)
    code.add_data(text)
    code.make(fit=True)
    return [[bool(cell) for cell in row] for row in code.get_matrix()]


def runs(modules: list[list[bool]]) -> Iterator[Run]:
    """Yield the dark runs of a matrix: one rectangle each, so that no hairline shows between modules."""
    for number, row in enumerate(modules):
        column = 0
        for dark, group in groupby(row):
            length = len(list(group))
            if dark:
                yield number, column, length
            column += length


def svg(text: str) -> bytes:
    """Return a code as SVG: black on white, sharp at any size, one path."""
    modules = matrix(text)
    size = len(modules)
    path = "".join(f"M{column} {row}h{length}v1h-{length}z" for row, column, length in runs(modules))
    drawn = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}" width="{size * 8}" height="{size * 8}" '
        f'shape-rendering="crispEdges"><path fill="#fff" d="M0 0h{size}v{size}H0z"/><path d="{path}"/></svg>\n'
    )
    return drawn.encode()


def png(text: str) -> bytes:
    """Return a code as PNG: 16 dots a module, one bit a dot, 300 dpi."""
    modules = matrix(text)
    picture = Image.new("1", (len(modules), len(modules)))
    picture.putdata([0 if dark else 255 for row in modules for dark in row])
    size = len(modules) * _DOTS_OF_A_MODULE
    out = io.BytesIO()
    picture.resize((size, size), Image.Resampling.NEAREST).save(
        out, "PNG", optimize=True, dpi=(_PRINTED_AT, _PRINTED_AT)
    )
    return out.getvalue()
