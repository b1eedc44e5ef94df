"""A page of paper: what was found on one scan, or what readers did, as a PDF made in memory."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from reportlab.graphics.charts.lineplots import LinePlot
from reportlab.graphics.shapes import Drawing, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepInFrame, Paragraph, SimpleDocTemplate, Spacer, Table
from reportlab.platypus import Image as Placed

from core import overlay
from core.types import Curve

MARGIN, WIDTH, HEIGHT = 16 * mm, 178 * mm, 260 * mm
TALLEST = 95 * mm  # of a picture
MOST_PIXELS = 1024  # side of a picture: print shows no more at this size
LETTERS = "cp1252"  # of the fonts that every reader of PDF has
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A7300", "#1B1F22")  # Okabe and Ito 2008
TITLE = ParagraphStyle("title", fontName="Helvetica-Bold", fontSize=15, leading=19, spaceAfter=2 * mm)
TEXT = ParagraphStyle("text", fontName="Helvetica", fontSize=9, leading=11.5)
SMALL = ParagraphStyle("small", parent=TEXT, fontSize=8, leading=10, textColor=colors.HexColor("#3A4046"))


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """rgb: (H, W, 3). ends: what no colour and full colour of the inferno scale mean, if it has one."""

    rgb: NDArray[np.uint8]
    caption: str
    ends: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What stands on the page, from top to bottom.

    facts: sentences by their heading. curves: ROC by name, at most six. table: rows of equal length, the
    first one its head. foot: what holds for all of it.
    """

    title: str
    facts: Mapping[str, str]
    foot: str
    pictures: Sequence[Picture] = ()
    curves: Mapping[str, Curve] = field(default_factory=dict)
    table: Sequence[Sequence[str]] = ()


def pdf(report: Report, tr: Callable[[str], str] = str) -> bytes:
    """The report as one A4 page: what does not fit is set smaller. Letters that the fonts lack become "?".

    report: what stands on it.
    tr: puts the page's own few words into the reader's language.
    """
    story: list[Flowable] = [_words(report.title, TITLE)]
    if report.pictures:
        story += [_side_by_side(report.pictures, tr), Spacer(0, 3 * mm)]
    if report.facts:
        story += [_facts(report.facts)]
    if report.curves:
        story += [Spacer(0, 3 * mm), _plot(report.curves, tr)]
    if report.table:
        story += [Spacer(0, 3 * mm), _lines(report.table)]
    story += [Spacer(0, 3 * mm), _words(report.foot, SMALL)]
    file = io.BytesIO()
    page = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=printable(report.title),
        author="Opacity",
    )
    page.build([KeepInFrame(WIDTH, HEIGHT, story, mode="shrink")])
    return file.getvalue()


def printable(text: str) -> str:
    """The text in the letters that the page has: others become "?"."""
    return text.encode(LETTERS, "replace").decode(LETTERS)


def _words(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(escape(printable(text)).replace("\n", "<br/>"), style)  # never markup of a person's own


def _facts(facts: Mapping[str, str]) -> Table:
    bold = ParagraphStyle("bold", parent=TEXT, fontName="Helvetica-Bold")
    rows = [[_words(name, bold), _words(text, TEXT)] for name, text in facts.items()]
    return Table(rows, [32 * mm, WIDTH - 32 * mm], style=[("VALIGN", (0, 0), (-1, -1), "TOP")])


def _lines(rows: Sequence[Sequence[str]]) -> Table:
    cells = [[_words(cell, SMALL) for cell in row] for row in rows]
    style = [("LINEBELOW", (0, 0), (-1, 0), 0.6, colors.black), ("VALIGN", (0, 0), (-1, -1), "TOP")]
    return Table(cells, [WIDTH / len(rows[0])] * len(rows[0]), style=style, repeatRows=1)


def _side_by_side(pictures: Sequence[Picture], tr: Callable[[str], str]) -> Table:
    width = WIDTH / len(pictures) - 4 * mm
    cells = [[_placed(each.rgb, width), *_scale(each, width, tr)] for each in pictures]
    return Table([cells], [width + 4 * mm] * len(pictures), style=[("VALIGN", (0, 0), (-1, -1), "TOP")])


def _scale(picture: Picture, width: float, tr: Callable[[str], str]) -> list[Flowable]:
    words = [_words(picture.caption, SMALL)]
    if picture.ends is None:
        return words
    bar = np.repeat(overlay.colours("inferno").round().astype(np.uint8)[None], 6, axis=0)
    low, high = picture.ends
    ends = tr("{low} (left) to {high} (right)").format(low=low, high=high)
    return [Spacer(0, mm), _placed(bar, width), _words(ends, SMALL), *words]


def _placed(rgb: NDArray[np.uint8], width: float) -> Placed:
    image = Image.fromarray(rgb)
    image.thumbnail((MOST_PIXELS, MOST_PIXELS))
    file = io.BytesIO()
    image.save(file, "PNG")
    scale = min(width / rgb.shape[1], TALLEST / rgb.shape[0])
    return Placed(file, rgb.shape[1] * scale, rgb.shape[0] * scale, hAlign="LEFT")


def _plot(curves: Mapping[str, Curve], tr: Callable[[str], str]) -> Drawing:
    """ROC curves: 1 - specificity to the right, sensitivity upwards."""
    side = 70 * mm
    drawing, plot = Drawing(WIDTH, side + 12 * mm), LinePlot()
    plot.x, plot.y, plot.width, plot.height = 12 * mm, 9 * mm, side, side
    plot.data = [list(zip(curve.x, curve.y, strict=True)) for curve in curves.values()]
    for axis in (plot.xValueAxis, plot.yValueAxis):
        axis.valueMin, axis.valueMax, axis.valueStep = 0, 1, 0.25
        axis.labels.fontSize = 7
    drawing.add(plot)
    for place, name in enumerate(curves):
        colour = colors.HexColor(COLOURS[place % len(COLOURS)])
        plot.lines[place].strokeColor = colour
        text = printable(name)
        y = side - place * 5 * mm
        drawing.add(String(side + 18 * mm, y, text, fontName="Helvetica", fontSize=8, fillColor=colour))
    titles = (
        (12 * mm, 1 * mm, tr("1 - specificity")),
        (side + 18 * mm, side + 7 * mm, tr("Sensitivity upwards:")),
    )
    for x, y, text in titles:
        drawing.add(String(x, y, text, fontName="Helvetica", fontSize=8))
    return drawing
