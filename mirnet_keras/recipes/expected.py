"""What runs by a recipe reached before."""

from typing import Annotated

import pydantic


class CurvePoint(pydantic.BaseModel):
    """A step of a run that is known.

    Args:
        step: training steps done.
        loss: mean over the steps since the report before.
        psnr: dB of the validation after that step; None where there was none.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    step: pydantic.PositiveInt
    loss: pydantic.PositiveFloat | None = None
    psnr: float | None = None


class Expected(pydantic.BaseModel):
    """What a run should reach, by the recipe's protocol on its validation pictures.

    Args:
        psnr: dB of the best validation.
        tolerance: dB below it that still count as reached.
        curve: what was measured on the way, by which a run is judged long before its end.
    """

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    psnr: pydantic.PositiveFloat
    tolerance: Annotated[float, pydantic.Field(gt=0, le=1)] = 0.1
    curve: list[CurvePoint] = []
