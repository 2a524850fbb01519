"""Parts of a self-contained HTML page; every text is escaped here, because names come from folders."""

import base64
import struct
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from string import Template

STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1c2024; --soft: #545b63; --line: #d5d9de;
  --box: #f4f6f8; --accent: #0b5cad; --warn: #fff3d6; --warn-text: #5c3b00; }
@media (prefers-color-scheme: dark) { :root { --page: #14171a; --text: #e8eaed; --soft: #abb3bc;
  --line: #3a4149; --box: #1f2429; --accent: #84bdf7; --warn: #46340d; --warn-text: #ffe2a3; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 76rem; padding: 1rem clamp(.75rem, 3vw, 2.5rem) 3rem;
  background: var(--page); color: var(--text); font: 1rem/1.5 system-ui, sans-serif;
  overflow-wrap: break-word; }
h1 { margin: .5rem 0; line-height: 1.2; font-size: clamp(1.5rem, 5vw, 2.2rem); }
h2 { margin: 2.5rem 0 .75rem; padding-top: .75rem; border-top: 1px solid var(--line); font-size: 1.35rem; }
h3 { margin: 1.5rem 0 .25rem; font-size: 1.05rem; }
p, ul { max-width: 45rem; }
.lead { font-size: 1.2rem; }
.badge, .warnings { background: var(--warn); color: var(--warn-text); border-radius: .5rem; }
.badge { display: inline-block; margin: 0; padding: .15rem .75rem; font-weight: 600; }
.warnings { padding: .6rem 1rem .6rem 2rem; }
.numbers { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 9.5rem), 1fr));
  gap: .75rem; }
.numbers div { display: flex; flex-direction: column; padding: .6rem .8rem; background: var(--box);
  border-radius: .5rem; }
.numbers dt { color: var(--soft); font-size: .875rem; line-height: 1.3; }
.numbers dd { order: -1; margin: 0; font-size: 1.35rem; font-weight: 600; }
td:not(.right) { overflow-wrap: anywhere; min-width: 6rem; }
.right { text-align: right; white-space: nowrap; }
.scroll { max-width: 100%; overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
@media (max-width: 30rem) { table { font-size: .85rem; } }
caption { padding: .5rem 0; color: var(--soft); text-align: left; }
th, td { padding: .35rem clamp(.6rem, 2vw, 1.2rem) .35rem 0; border-bottom: 1px solid var(--line);
  text-align: left; vertical-align: top; }
thead th { vertical-align: bottom; }
.figures { columns: 2 28rem; column-gap: 1.5rem; }
figure { break-inside: avoid; margin: 0 0 1.5rem; padding: .5rem;
  background: var(--box); border-radius: .5rem; }
img { display: block; width: 100%; height: auto; background: #fff; border-radius: .25rem; }
figcaption { margin-top: .5rem; color: var(--soft); font-size: .9375rem; }
figcaption b { color: var(--text); }
details { margin: 1rem 0; }
summary { cursor: pointer; }
pre { padding: .75rem 1rem; background: var(--box); border-radius: .5rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
"""

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<header>
$badge
<h1>$title</h1>
</header>
<main>
$main
</main>
</body>
</html>
""")


def page(title: str, parts: Iterable[str], badge: str = "") -> str:
    """A whole HTML5 document of ``parts`` (HTML); ``badge`` is a short remark set above the title."""
    return PAGE.substitute(
        title=escape(title),
        style=STYLE,
        main="\n".join(filter(None, parts)),
        badge=f'<p class="badge">{escape(badge)}</p>' if badge else "",
    )


def section(title: str, *parts: str) -> str:
    """A section under a second-level heading; '' if all ``parts`` (HTML) are empty."""
    inside = "\n".join(filter(None, parts))
    return f"<section>\n<h2>{escape(title)}</h2>\n{inside}\n</section>" if inside else ""


def paragraph(text: str, kind: str = "") -> str:
    """A paragraph, with ``kind`` as its CSS class."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def bullets(sentences: Iterable[str], kind: str) -> str:
    """A list with ``kind`` as its CSS class; '' if there is nothing to list."""
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="{kind}">{items}</ul>' if items else ""


def numbers(values: Mapping[str, str]) -> str:
    """Key numbers, large, each over its name."""
    inside = "\n".join(f"<div><dt>{escape(k)}</dt><dd>{escape(v)}</dd></div>" for k, v in values.items())
    return f'<dl class="numbers">\n{inside}\n</dl>'


def table(
    caption: str, head: Sequence[str], rows: Iterable[Sequence[object]], *, numeric: bool = False
) -> str:
    """A table that scrolls in its own box, '' without rows; the first column names the row.

    ``numeric`` sets the columns after the first to the right.
    """
    side = ' class="right"' if numeric else ""
    lines = [
        f'<tr><th scope="row">{escape(str(name))}</th>'
        + "".join(f"<td{side}>{escape(str(cell))}</td>" for cell in cells)
        + "</tr>"
        for name, *cells in rows
    ]
    if not lines:
        return ""
    sides = ("", *[side] * (len(head) - 1))
    columns = "".join(f'<th scope="col"{s}>{escape(name)}</th>' for s, name in zip(sides, head, strict=True))
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}">\n<table>\n'
        f"<caption>{escape(caption)}</caption>\n<thead><tr>{columns}</tr></thead>\n<tbody>\n"
        + "\n".join(lines)
        + "\n</tbody>\n</table>\n</div>"
    )


def details(summary: str, inside: str) -> str:
    """Something that opens on demand; '' if ``inside`` (HTML) is empty."""
    return f"<details>\n<summary>{escape(summary)}</summary>\n{inside}\n</details>" if inside else ""


def code(text: str) -> str:
    """Program text or a command."""
    return f"<pre><code>{escape(text)}</code></pre>"


def figure(path: Path, title: str, caption: str) -> str:
    """A PNG file, embedded; its size stands in the page so that nothing jumps while it loads."""
    data = path.read_bytes()
    width, height = struct.unpack(">II", data[16:24])  # the first two fields of the header chunk
    return (
        f'<figure>\n<img src="data:image/png;base64,{base64.b64encode(data).decode()}" width="{width}" '
        f'height="{height}" alt="{escape(f"{title}. {caption}")}">\n'
        f"<figcaption><b>{escape(title)}.</b> {escape(caption)}</figcaption>\n</figure>"
    )


def figures(embedded: Iterable[str]) -> str:
    """Figures side by side where there is room."""
    inside = "\n".join(embedded)
    return f'<div class="figures">\n{inside}\n</div>' if inside else ""
