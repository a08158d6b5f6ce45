"""Prints the figures, and writes them as JSON, Markdown and an SVG chart."""

import json
from xml.sax.saxutils import escape

BAR = 300


def shown(value):
    return f"{value:.2f}"


def markdown(result):
    lines = [f"{result['rows']:,} rows, {result['rounds']} round(s), PostgreSQL {result['server']}, "
             f"{result['cores']} cores, load of the machine not controlled", "",
             "| figure | measured | goal | met | |", "|---|---|---|---|---|"]
    for each in result["figures"]:
        sign = "≥" if each["at_least"] else "≤"
        lines.append(f"| {each['name']} | {shown(each['value'])} | {sign} {each['goal']} | "
                     f"{'yes' if each['met'] else 'no'} | {each['detail']} |")
    for name, points in result["scaling"].items():
        lines += ["", f"| {name} | rows/s |", "|---|---|"]
        lines += [f"| {int(size):,} | {speed:,.0f} |" for size, speed in points.items()]
    return "\n".join(lines) + "\n"


def svg(result):
    """One bar per figure: how far it is on the way to its goal; the line is the goal."""
    height = 28 * len(result["figures"]) + 10
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="960" height="{height}" font-family="sans-serif" '
             'font-size="13">']
    for row, each in enumerate(result["figures"]):
        reached = each["value"] / each["goal"] if each["at_least"] else each["goal"] / max(each["value"], 1e-9)
        width = min(reached, 2) * BAR / 2
        top = 28 * row + 6
        colour = "#3a7d44" if each["met"] else "#b5472f"
        parts.append(f'<text x="0" y="{top + 15}">{escape(each["name"])}</text>')
        parts.append(f'<rect x="560" y="{top}" width="{width:.0f}" height="18" fill="{colour}"/>')
        parts.append(f'<text x="{565 + BAR}" y="{top + 15}">{shown(each["value"])}</text>')
    parts.append(f'<line x1="{560 + BAR / 2}" y1="0" x2="{560 + BAR / 2}" y2="{height}" stroke="#444"/></svg>')
    return "\n".join(parts) + "\n"


def write_report(result, directory):
    directory.mkdir(parents=True, exist_ok=True)
    text = markdown(result)
    (directory / "bench.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    (directory / "bench.md").write_text(text, encoding="utf-8")
    (directory / "bench.svg").write_text(svg(result), encoding="utf-8")
    print(text, end="")
    print(f"\nwritten to {directory}: bench.json, bench.md, bench.svg")
