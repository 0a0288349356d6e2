"""A plot as SVG: a few points and their floor over the number of resources, both axes from zero."""

from collections.abc import Mapping, Sequence

WIDTH, HEIGHT, MARGIN = 420, 220, 50
Point = tuple[float, float]


def plot(title: str, unit: str, lines: Mapping[str, Sequence[Point]]) -> str:
    """Return an SVG with one line for each name; it fits a light and a dark page."""
    max_x = max(x for points in lines.values() for x, _ in points) or 1
    max_y = max(y for points in lines.values() for _, y in points) or 1

    def place(point: Point) -> tuple[float, float]:
        x, y = point
        return MARGIN + x / max_x * (WIDTH - 2 * MARGIN), HEIGHT - MARGIN - y / max_y * (HEIGHT - 2 * MARGIN)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{MARGIN}" y="25" font-size="13">{title}, {unit}</text>',
        f'<path d="M{MARGIN} {MARGIN}V{HEIGHT - MARGIN}H{WIDTH - MARGIN}" fill="none" stroke="black"/>',
        f'<text x="{MARGIN - 5}" y="{MARGIN + 4}" text-anchor="end">{max_y:.3g}</text>',
        f'<text x="{MARGIN - 5}" y="{HEIGHT - MARGIN}" text-anchor="end">0</text>',
        f'<text x="{WIDTH - MARGIN}" y="{HEIGHT - MARGIN + 15}" text-anchor="end">{max_x:,.0f} resources</text>',
    ]
    for (name, points), color in zip(lines.items(), ("#0b6", "#888"), strict=False):
        places = [place(point) for point in points]
        line = " ".join(f"{x:.0f},{y:.0f}" for x, y in places)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [f'<circle cx="{x:.0f}" cy="{y:.0f}" r="3" fill="{color}"/>' for x, y in places]
        x, y = places[-1]
        parts.append(f'<text x="{x + 6:.0f}" y="{y + 4:.0f}" fill="{color}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])
