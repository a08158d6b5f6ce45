"""The figures as one picture: speed by size and by workers, and how far each figure is from its goal."""

import math
from xml.sax.saxutils import escape

WIDTH, MARGIN = 960, 32
INK, SOFT, RULE, PAPER = "#1f2933", "#5f6b7a", "#dfe4ea", "#ffffff"
WHO = {"falsework": ("Falsework, two workers", "#1d5fbf"), "update": ("one UPDATE", "#7a8594"),
       "pgroll": ("pgroll", "#c06a00")}
MET, MISSED, NEUTRAL = "#2e7d46", "#b3402a", "#7a8594"


def text(x, y, words, size=12, colour=INK, anchor="start", bold=False):
    weight = ' font-weight="600"' if bold else ""
    return (f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"{weight}>'
            f"{escape(words)}</text>")


def line(x1, y1, x2, y2, colour=RULE, width=1.0, dash=""):
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return (f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}" '
            f'stroke-width="{width}"{dashes}/>')


def short(number):
    if number >= 1e6:
        return f"{number / 1e6:g} M"
    return f"{number / 1e3:,.0f} k" if number >= 1e3 else f"{number:.0f}"


def steps_up_to(highest):
    """Round numbers for an axis, about four of them."""
    raw = highest / 4
    unit = 10 ** math.floor(math.log10(raw))
    step = next(unit * factor for factor in (1, 2, 2.5, 5, 10) if unit * factor >= raw)
    return [step * i for i in range(math.ceil(highest / step) + 1)]


def axis(left, top, width, height, highest):
    marks = steps_up_to(highest)
    parts = []
    for mark in marks:
        y = top + height - height * mark / marks[-1]
        parts += [line(left, y, left + width, y), text(left - 6, y + 4, short(mark), 11, SOFT, "end")]
    return parts, marks[-1]


def by_size(points, left, top, width, height):
    """Lines over the number of rows, each with its name at its end."""
    sizes = sorted(points, key=int)
    highest = max(speed for speeds in points.values() for speed in speeds.values() if speed)
    parts, full = axis(left, top, width, height, highest)
    first, last = math.log(int(sizes[0])), math.log(int(sizes[-1]))

    def at(size):
        return left + 20 + (width - 40) * ((math.log(int(size)) - first) / (last - first) if last > first else 0.5)

    for size in sizes:
        parts.append(text(at(size), top + height + 18, f"{short(int(size))} rows", 11, SOFT, "middle"))
    ends = []
    for who, (name, colour) in WHO.items():
        dots = [(at(size), top + height - height * points[size][who] / full) for size in sizes if points[size][who]]
        if not dots:
            continue
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in dots)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2.5"/>')
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in dots]
        ends.append([dots[-1][1] + 4, name, colour])
    ends.sort()
    for before, after in zip(ends, ends[1:], strict=False):  # names do not overlap
        after[0] = max(after[0], before[0] + 15)
    parts += [text(left + width + 6, y, name, 12, colour, bold=True) for y, name, colour in ends]
    return parts


def by_workers(points, left, top, width, height):
    counts = sorted(points, key=int)
    parts, full = axis(left, top, width, height, max(points.values()))
    slot = width / len(counts)
    for number, count in enumerate(counts):
        tall, x = height * points[count] / full, left + slot * (number + 0.5)
        parts.append(f'<rect x="{x - slot * 0.3:.1f}" y="{top + height - tall:.1f}" width="{slot * 0.6:.1f}" '
                     f'height="{tall:.1f}" rx="2" fill="{WHO["falsework"][1]}"/>')
        parts.append(text(x, top + height - tall - 6, short(points[count]), 11, INK, "middle"))
        parts.append(text(x, top + height + 18, f"{count} worker{'s' if int(count) > 1 else ''}", 11, SOFT, "middle"))
    return parts


def distance(each):
    """How far beyond its goal a figure is: 1 at the goal, above it where it is better."""
    value, goal = each["value"], each["goal"]
    if each["at_least"]:
        return value / goal
    if value <= 0:
        return 4.0 if goal > 0 else 1.0
    return goal / value


def against_goals(figures, top):
    """One line for each figure; the middle is the goal, to the right is better, by factors of two."""
    left, width, height = 470, 210, 24
    middle = left + width / 2
    parts = [text(middle, top + 14, "goal", 11, SOFT, "middle"), text(left, top + 14, "worse", 11, SOFT),
             text(left + width, top + 14, "better", 11, SOFT, "end")]
    begun = top + 22
    for row, each in enumerate(figures):
        y = begun + height * row
        colour = MET if each["met"] else MISSED
        if row % 2 == 0:
            parts.append(f'<rect x="{MARGIN}" y="{y}" width="{WIDTH - 2 * MARGIN}" height="{height}" fill="#f5f7f9"/>')
        end = middle + width / 2 * max(-1.0, min(1.0, math.log2(max(distance(each), 1e-9)) / 2))
        sign = "≥" if each["at_least"] else "≤"
        value = f"{each['value']:.2f}".rstrip("0").rstrip(".")
        parts += [text(MARGIN + 6, y + 16, each["name"]), line(middle, y + 12, end, y + 12, colour, 6),
                  f'<circle cx="{end:.1f}" cy="{y + 12}" r="5" fill="{colour}"/>',
                  text(left + width + 52, y + 16, value, 12, colour, "end", bold=True),
                  text(left + width + 62, y + 16, f"{sign} {each['goal']:g}", 12, SOFT),
                  text(WIDTH - MARGIN - 6, y + 16, "met" if each["met"] else "missed", 12, colour, "end")]
    bottom = begun + height * len(figures)
    parts.append(line(middle, begun, middle, bottom, INK, 1, "3 3"))
    return parts, bottom


def chart(result, subtitle):
    parts = [text(MARGIN, 40, "Falsework: copying a column of a live table", 20, bold=True),
             text(MARGIN, 60, subtitle, 11, SOFT)]
    y = 84
    sizes, workers = result["scaling"]["rows"], result["scaling"]["workers"]
    if sizes:
        parts.append(text(MARGIN, y + 10, "Rows per second, by the size of the table", 13, bold=True))
        parts += by_size(sizes, MARGIN + 46, y + 30, 400, 190)
    if workers:
        parts.append(text(672, y + 10, "Rows per second, by workers", 13, bold=True))
        parts += by_workers(workers, 714, y + 30, 200, 190)
    y += 268 if sizes or workers else 0
    goals = [each for each in result["figures"] if each["goal"] is not None]
    if goals:
        parts.append(text(MARGIN, y + 14, "Each figure and its goal", 13, bold=True))
        lines, y = against_goals(goals, y)
        parts += lines
    height = y + 20
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" '
            'font-family="system-ui, -apple-system, \'Segoe UI\', \'DejaVu Sans\', sans-serif">\n'
            f'<rect width="{WIDTH}" height="{height}" fill="{PAPER}"/>\n' + "\n".join(parts) + "\n</svg>\n")
