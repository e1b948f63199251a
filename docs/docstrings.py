"""For the site: the lines on shapes in docstrings become paragraphs of their own."""

import re

import griffe

SHAPE = re.compile(r"^(Input shape|Output shape): (.+(?:\n +\S.*)*)", re.MULTILINE)


class Shapes(griffe.Extension):
    """Else what stands indented below them is taken for a box with a title."""

    def on_instance(self, *, obj: griffe.Object, **kwargs) -> None:
        """Griffe's hook, called for each object that it has read."""
        if obj.docstring:
            text = SHAPE.sub(
                lambda m: f"\n**{m[1]}:** {' '.join(m[2].split())}\n", obj.docstring.value
            )
            obj.docstring.value = text
