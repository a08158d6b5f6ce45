"""Writes the figures as JSON, Markdown and an SVG chart."""

import json

from chart import chart

PEERS = ("falsework", "update", "pgroll")


def shown(value):
    """Three digits that matter, and no more decimals than somebody would read."""
    if value is None:
        return "–"
    if value == int(value) and abs(value) < 1000:
        return f"{value:.0f}"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"


def goal_of(each):
    return "–" if each["goal"] is None else f"{'≥' if each['at_least'] else '≤'} {each['goal']:g}"


def machine(result):
    rounds = f"{result['rounds']} rounds" if result["rounds"] > 1 else "1 round"
    return (f"{result['rows']:,} rows, {rounds}; PostgreSQL {result['server']} with {result['shared_buffers_mb']} MB "
            f"of shared_buffers on {result['cores']} cores ({result['processor']})")


def table(header, rows):
    return [f"| {' | '.join(header)} |", "|" + "---|" * len(header), *(f"| {' | '.join(row)} |" for row in rows)]


def markdown(result):
    lines = [machine(result), ""]
    met = {True: "yes", False: "**no**", None: "–"}
    lines += table(("figure", "measured", "goal", "met", "in figures"),
                   [(each["name"], shown(each["value"]), goal_of(each), met[each["met"]], each["detail"])
                    for each in result["figures"]])
    by_rows = sorted(result["scaling"]["rows"].items(), key=lambda each: int(each[0]))
    if by_rows:
        lines += ["", "Rows per second by the size of the table:", ""]
        lines += table(("rows", "falsework, two workers", "one UPDATE", "pgroll"),
                       [(f"{int(rows):,}", *(f"{speeds[who]:,.0f}" if speeds[who] else "–" for who in PEERS))
                        for rows, speeds in by_rows])
    if len(result["scaling"]["workers"]) > 1:
        lines += ["", f"Rows per second by the number of workers, {result['rows']:,} rows:", ""]
        lines += table(("workers", "rows/s"),
                       [(str(count), f"{speed:,.0f}") for count, speed in sorted(result["scaling"]["workers"].items())])
    return "\n".join(lines) + "\n"


def write_report(result, directory):
    text = markdown(result)
    (directory / "bench.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    (directory / "bench.md").write_text(text, encoding="utf-8")
    (directory / "bench.svg").write_text(chart(result, machine(result)), encoding="utf-8")
    return text
