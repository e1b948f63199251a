"""The figure of SPSAGAN."""

from .figure import Box, Figure


def spsagan() -> Figure:
    """SPSAGAN: the generator, its attention, its sparse block."""
    f = Figure(920, 590)
    boxes = f.row(
        60,
        (55, "picture", "picture", 74),
        (150, "conv 3", "convolution", 64),
        (265, "sparse block\nx 23", "block", 104, 44),
        (385, "SPSA", "attention", 70),
        (475, "conv 3", "convolution", 64),
    )
    total = f.sign(545, 60)
    ends = f.row(
        60,
        (640, "repeat, conv 3\ntwice", "resize", 114, 44),
        (760, "conv 3 x 2"),
        (865, "restored", "picture"),
    )
    f.flow([boxes[-1], total, *ends])
    f.over((195, 60), total.top, 22)
    classes = f.row(
        135,
        (75, "probabilities\nof classes, x 4", "picture", 114, 42),
        (250, "condition network\nconv 4 (stride 4), conv 1", "convolution", 170, 42),
    )
    f.arrow(classes[-1].right, (385, 135), boxes[3].bottom)

    f.frame(20, 180, 880, 205, "Segmentation-prior self-attention (SPSA)")
    rows = []
    for y, name, beta in ((240, "features x", "β fea"), (310, "condition y", "β seg")):
        start = f.box(80, y, name, "picture", 94)
        maps = f.row(
            y,
            (215, "query, key", "attention", 90),
            (350, "softmax over\nthe keys", "attention", 104, 40),
        )
        f.flow([start, *maps])
        f.text(408, y - 6, beta, "small")
        rows.append(maps[-1])
    weight = f.box(
        560, 275, "A = w β seg + (1 - w) β fea\nw: how much they differ", "attention", 200, 50
    )
    for row in rows:
        f.arrow(row.right, (446, row.y), (446, 275), weight.left)
    gathered, total = f.box(725, 275, "γ A v(x)", "attention", 76), f.sign(825, 275)
    f.flow([weight, gathered, total])
    value = f.box(560, 355, "value v(x)", "attention", 90)
    f.arrow((33, 240), (27, 240), (27, 355), value.left)
    f.arrow(value.right, (725, 355), gathered.bottom)
    f.over((140, 240), total.top, 210)
    f.arrow(total.right, (890, 275))

    f.frame(20, 400, 880, 175, "Sparse block: each convolution reads those at distance 1, 2 and 4")
    nodes = [
        f.box(90 + 135 * n, 500, "input" if not n else f"conv {n}", "convolution", 64)
        for n in range(6)
    ]
    links = ((0,), (0, 1), (1, 2), (0, 2, 3), (1, 3, 4))
    for target, sources in enumerate(links, start=1):
        for source in sources:
            _link(f, nodes[source], nodes[target], target - source)
    total = f.sign(850, 500)
    f.arrow(nodes[-1].right, total.left)
    f.text(803, 490, "× 0.2", "small")
    note = "the input is added; three such blocks, times 0.2, plus their input, are one of the 23"
    f.text(36, 562, note, "small")
    return f


def _link(f: Figure, source: Box, target: Box, distance: int) -> None:
    if distance == 1:
        f.arrow(source.right, target.left)
        return
    above = distance == 2
    start, end = (source.top, target.top) if above else (source.bottom, target.bottom)
    lift = -44 if above else 52
    middle = (start[0] + end[0]) / 2
    f.parts.append(
        f'<path class="line" marker-end="url(#head)" d="M{start[0] + 10:g} {start[1]:g} '
        f'Q{middle:g} {start[1] + lift:g} {end[0] - 10:g} {end[1]:g}"/>'
    )
