"""The figures of MIRNet and MIRNetV2."""

from .figure import Figure


def mirnet() -> Figure:
    """MIRNet: the network, a multi-scale block, the dual attention unit."""
    f = Figure(920, 660)
    boxes = f.row(
        60,
        (60, "picture", "picture"),
        (180, "conv 3"),
        (320, "residual\ngroup x 3", "block", 100, 44),
        (460, "conv 3"),
    )
    total, end = f.sign(560, 60), f.box(660, 60, "restored", "picture")
    f.flow([boxes[-1], total, end])
    f.over(boxes[0].bottom, total.bottom, 105)
    f.text(715, 56, "a group: 2 multi-scale blocks,", "small")
    f.text(715, 72, "conv 3, plus its input", "small")

    f.frame(20, 130, 880, 300, "Multi-scale residual block")
    start = (50, 190)
    columns = {}
    for row, (y, name) in enumerate(
        [(190, "full size, C"), (275, "half, 2 C"), (360, "quarter, 4 C")]
    ):
        f.text(34, y + 20, name, "small")
        columns[row] = [
            f.box(170, y, "DAU", "attention", 70),
            f.box(380, y, "SKFF", "attention", 70),
            f.box(500, y, "DAU", "attention", 70),
        ]
        f.arrow(columns[row][1].right, columns[row][2].left)
    f.arrow(start, columns[0][0].left)
    for row in (0, 1):
        f.arrow(columns[row][0].bottom, columns[row + 1][0].top)
    for source in range(3):
        for target in range(3):
            f.arrow(columns[source][0].right, columns[target][1].left)
    f.text(240, 410, "each row is fused from all rows, resized to it", "small")
    f.text(180, 237, "down", "small")
    f.text(180, 322, "down", "small")
    last = f.row(190, (650, "SKFF", "attention", 70), (750, "conv 3"))
    total = f.sign(840, 190)
    f.flow([columns[0][2], *last, total])
    for row in (1, 2):
        up = f.box(590, columns[row][2].y, f"up x {2**row}", "resize", 66, 28)
        f.arrow(columns[row][2].right, up.left)
        f.arrow(up.right, (650, up.y), last[0].bottom)
    f.over((60, 190), total.top, 160)
    f.arrow(total.right, (885, 190))

    f.frame(20, 450, 880, 190, "Dual attention unit (DAU)")
    stem = f.row(550, (110, "conv 3"), (210, "PReLU", "convolution", 64), (310, "conv 3"))
    f.arrow((35, 550), stem[0].left)
    spatial = [
        f.box(480, 505, "max and mean\nof channels", "attention", 112, 40),
        f.box(610, 505, "conv 5, σ", "attention"),
    ]
    channel = [
        f.box(480, 600, "mean\nof pixels", "attention", 112, 40),
        f.box(610, 600, "C/8, C, σ", "attention"),
    ]
    merge = f.box(770, 550, "conv 1")
    total = f.sign(850, 550)
    for gate in (spatial, channel):
        f.arrow(stem[-1].right, (385, 550), (385, gate[0].y), gate[0].left)
        product = f.sign(690, gate[0].y, "×")
        f.flow([*gate, product])
        f.arrow((385, 550), (690, 550), product.bottom if gate is spatial else product.top)
        f.arrow(product.right, (715, product.y), (715, 550), merge.left)
    f.arrow(merge.right, total.left)
    f.over((50, 550), total.top, 482)
    f.arrow(total.right, (890, 550))
    return f


def mirnet_v2() -> Figure:
    """MIRNetV2: its multi-scale block and its residual contextual block."""
    f = Figure(920, 500)
    f.frame(20, 15, 880, 300, "Multi-scale residual block of MIRNetV2")
    heights = (85, 170, 255)
    for y, name in zip(heights, ("full size, C", "half, 1.5 C", "quarter, 2.25 C"), strict=True):
        f.text(80, y - 22, name, "small")
    tops = []
    for column, x in enumerate((220, 480)):
        boxes = [f.box(x, y, "RCB", "attention", 70) for y in heights]
        fused = [f.box(x + 120, y, "SKFF", "attention", 70) for y in heights[:2]]
        for row in (0, 1):
            f.arrow(boxes[row].right, fused[row].left)
        middle_up = f.box(x + 120, 127, "up", "resize", 44, 22)
        bottom_up = f.box(x + 120, 212, "up", "resize", 44, 22)
        f.arrow(fused[1].top, middle_up.bottom)
        f.arrow(middle_up.top, fused[0].bottom)
        f.arrow(boxes[2].right, (x + 120, 255), bottom_up.bottom)
        f.arrow(bottom_up.top, fused[1].bottom)
        tops.append((boxes, fused))
        if column:
            before = tops[0]
            f.arrow(before[1][0].right, boxes[0].left)
            f.arrow(before[1][1].right, boxes[1].left)
            f.arrow((before[1][1].x, 255), boxes[2].left)
    f.arrow((40, 85), tops[0][0][0].left)
    for y, label in ((170, "down"), (255, "down 2x")):
        down = f.box(130, y, label, "resize", 66, 28)
        f.arrow((70, 85), (70, y), down.left)
        f.arrow(down.right, (185, y))
    last, total = f.box(720, 85, "conv 1"), f.sign(810, 85)
    f.flow([tops[1][1][0], last, total])
    f.over((55, 85), total.top, 50)
    f.arrow(total.right, (880, 85))

    f.frame(20, 330, 880, 150, "Residual contextual block (RCB)")
    stem = f.row(410, (100, "conv 3"), (200, "leaky ReLU", "convolution", 88), (300, "conv 3"))
    f.arrow((35, 410), stem[0].left)
    context = f.row(
        455,
        (430, "conv 1, softmax\nover the pixels", "attention", 118, 38),
        (565, "weighted\nmean", "attention", 76, 38),
        (665, "C, C", "attention", 60),
    )
    f.arrow(stem[-1].right, (355, 410), (355, 455), context[0].left)
    added = f.sign(730, 410)
    f.arrow((355, 410), added.left)
    f.arrow(context[-1].right, (730, 455), added.bottom)
    relu, total = f.box(796, 410, "leaky ReLU", "convolution", 84), f.sign(864, 410)
    f.flow([added, relu, total])
    f.over((50, 410), total.top, 365)
    f.arrow(total.right, (895, 410))
    return f
