"""The figures of AWSRN, RCAN with HAN, and SAN."""

from .figure import Figure


def awsrn() -> Figure:
    """AWSRN: the network, its block and unit, its reconstruction."""
    f = Figure(920, 500)
    boxes = f.row(
        60,
        (60, "picture", "picture"),
        (175, "conv 3"),
        (305, "local fusion\nblock x 4", "block", 100, 44),
        (450, "multi-scale\nreconstruction", "attention", 120, 44),
    )
    total = f.sign(560, 60)
    ends = f.row(60, (650, "shuffle", "resize"), (770, "restored", "picture"))
    f.flow([boxes[-1], total, *ends])
    skip = f.box(305, 112, "conv 3")
    f.arrow(boxes[0].bottom, (60, 112), skip.left)
    f.arrow(skip.right, (560, 112), total.bottom)

    f.frame(20, 150, 540, 150, "Local fusion block: units in series, all fused")
    units = f.row(230, *((x, "unit", "block", 56) for x in (95, 180, 265, 350)))
    fuse, total = f.box(440, 230, "conv 3", "convolution", 64), f.sign(515, 230)
    f.arrow((35, 230), units[0].left)
    f.flow([units[-1], fuse])
    f.arrow(fuse.right, total.left)
    f.text(476, 222, "λ", "small")
    for unit in units[:-1]:
        f.line((unit.right[0] + 6, 230), (unit.right[0] + 6, 275))
    f.arrow((units[0].right[0] + 6, 275), (440, 275), fuse.bottom)
    f.over((50, 230), total.top, 190)
    f.text(440, 186, "λ", "small")
    f.arrow(total.right, (552, 230))

    f.frame(20, 315, 540, 165, "Adaptive weighted residual unit")
    chain = f.row(
        400, (130, "conv 3\nto 128", "convolution", 90, 40), (245, "ReLU"), (365, "conv 3")
    )
    total = f.sign(470, 400)
    f.arrow((35, 400), chain[0].left)
    f.arrow(chain[-1].right, total.left)
    f.text(412, 392, "× λ res", "small")
    f.over((55, 400), total.top, 355)
    f.text(412, 350, "× λ x", "small")
    f.arrow(total.right, (545, 400))
    f.text(35, 462, "λ: numbers that are trained, one for each path", "small")

    f.frame(580, 150, 320, 330, "Multi-scale reconstruction")
    total = f.sign(850, 320)
    for number, size in enumerate((3, 5, 7, 9)):
        y = 215 + 70 * number
        branch = f.box(690, y, f"conv {size}", "attention")
        f.arrow((595, 320), (615, 320), (615, y), branch.left)
        f.arrow(branch.right, (800, y), total.left if y == 320 else (842, 313 if y < 320 else 327))
        f.text(742, y - 6, f"× α{size}", "small")
    f.arrow(total.right, (893, 320))
    f.text(595, 465, "computed as one 9 x 9 convolution", "small")
    return f


def rcan_han() -> Figure:
    """RCAN, and what HAN adds to it."""
    f = Figure(920, 560)
    f.text(20, 26, "RCAN", "title")
    _super_resolution_row(f, 75, "residual\ngroup x 10")

    f.text(20, 150, "HAN", "title")
    head = f.row(260, (60, "picture", "picture"), (160, "conv 3"))
    groups = f.row(
        260, (260, "group 1", "block"), (360, "... ", "block", 44), (460, "group 10", "block")
    )
    body = f.box(560, 260, "conv 3")
    f.flow([*head, *groups, body])
    layered = f.box(460, 185, "layer attention", "attention", 340)
    for box in (*groups, body):
        f.arrow((box.right[0] + 6, 260), (box.right[0] + 6, 202))
    csam = f.box(680, 260, "channel-spatial\nattention", "attention", 118, 44)
    f.flow([body, csam])
    fusion, total = f.box(790, 222, "conv 3", "convolution", 70), f.sign(860, 222)
    reduced = f.box(690, 185, "conv 3", "convolution", 70, 28)
    f.arrow(layered.right, reduced.left)
    f.arrow(reduced.right, (790, 185), fusion.top)
    f.arrow(csam.right, (790, 260), fusion.bottom)
    f.arrow(fusion.right, total.left)
    f.arrow((205, 260), (205, 310), (860, 310), total.bottom)
    f.arrow(total.right, (905, 222))
    f.text(700, 326, "then enlarged as in RCAN", "small")

    f.frame(20, 345, 430, 195, "Residual channel attention block")
    stem = f.row(430, (95, "conv 3", "convolution", 64), (175, "ReLU", "convolution", 56))
    second = f.box(255, 430, "conv 3", "convolution", 64)
    product, total = f.sign(350, 430, "×"), f.sign(405, 430)
    f.flow([*stem, second, product, total])
    f.arrow((32, 430), stem[0].left)
    gate = f.row(
        500, (180, "mean of pixels", "attention", 110), (300, "C/16, C, σ", "attention", 84)
    )
    f.arrow((302, 430), (302, 465), (100, 465), (100, 500), gate[0].left)
    f.arrow(gate[-1].right, (350, 500), product.bottom)
    f.over((45, 430), total.top, 390)
    f.arrow(total.right, (445, 430))

    f.frame(470, 345, 430, 195, "HAN's attention")
    for number, text in enumerate(
        [
            "Layer attention: X has a row for each layer,",
            "A = softmax(- X Xᵀ), result X + γ A X:",
            "each layer gets what is unlike it.",
            "",
            "Channel-spatial attention: F + γ σ(conv3d F) F,",
            "a gate for every number from its 27 neighbours.",
        ]
    ):
        f.text(484, 395 + 22 * number, text)
    return f


def _super_resolution_row(f: Figure, y: float, body: str) -> None:
    """Head, groups, long skip, enlargement: the row that RCAN, HAN and SAN share."""
    boxes = f.row(
        y,
        (60, "picture", "picture"),
        (170, "conv 3"),
        (300, body, "block", 100, 44),
        (430, "conv 3"),
    )
    total = f.sign(520, y)
    ends = f.row(
        y,
        (630, "conv 3, shuffle", "resize", 118),
        (750, "conv 3"),
        (860, "restored", "picture"),
    )
    f.flow([boxes[-1], total, *ends])
    f.over((222, y), total.top, y - 38)


def san() -> Figure:
    """SAN: the network, a group, its attention."""
    f = Figure(920, 520)
    boxes = f.row(
        75,
        (50, "picture", "picture", 70),
        (140, "conv 3", "convolution", 64),
        (235, "non-local", "attention", 76),
    )
    groups = []
    for x, name in ((350, "group 1"), (535, "group 20")):
        group, total = f.box(x, 75, name, "block", 76), f.sign(x + 70, 75)
        groups += [group, total]
    f.flow([*boxes, *groups[:2]])
    f.text(452, 79, "· · ·")
    f.arrow((475, 75), groups[2].left)
    f.line(groups[1].right, (447, 75))
    non_local, total = f.box(664, 75, "non-local", "attention", 76), f.sign(727, 75)
    ends = f.row(75, (788, "enlarge", "resize", 66), (870, "restored", "picture", 66))
    f.flow([*groups[2:], non_local, total, *ends])
    for place in (groups[1], groups[3]):
        f.arrow((290, 75), (290, 125), (place.x, 125), place.bottom)
    f.text(300, 142, "source × a learned weight (share source)", "small")
    f.over((185, 75), total.top, 35)

    f.frame(20, 165, 880, 105, "Group (LSRAG)")
    chain = f.row(
        232,
        (150, "residual block\n(conv 3, ReLU, conv 3) x 10", "block", 190, 44),
        (390, "second-order channel attention", "attention", 220),
        (570, "conv 3"),
    )
    total = f.sign(680, 232)
    f.arrow((30, 232), chain[0].left)
    f.arrow(chain[-1].right, total.left)
    f.over((40, 232), total.top, 200)
    f.arrow(total.right, (760, 232))

    f.frame(20, 285, 880, 105, "Second-order channel attention")
    gate = f.row(
        350,
        (150, "covariance\nof the channels", "attention", 124, 44),
        (315, "square root, five\nNewton-Schulz steps", "attention", 150, 44),
        (470, "row means", "attention", 84),
        (590, "C/16, C, σ", "attention", 84),
    )
    product = f.sign(720, 350, "×")
    f.arrow((30, 350), gate[0].left)
    f.arrow(gate[-1].right, product.left)
    f.over((45, 350), product.top, 315)
    f.arrow(product.right, (800, 350))

    f.frame(20, 405, 880, 100, "Non-local block: each pixel looks at all others in its quarter")
    attend = f.row(
        465,
        (140, "query, key, value\n(conv 1, C/8)", "attention", 130, 42),
        (330, "softmax(Q Kᵀ) V", "attention", 130),
        (480, "conv 1"),
    )
    total = f.sign(590, 465)
    f.arrow((30, 465), attend[0].left)
    f.arrow(attend[-1].right, total.left)
    f.over((45, 465), total.top, 436)
    f.arrow(total.right, (670, 465))
    return f
