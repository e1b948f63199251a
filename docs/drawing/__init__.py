"""The networks' figures: `cd docs && python -m drawing` writes `figures/*.svg`."""

from .mirnet import mirnet, mirnet_v2
from .spsagan import spsagan
from .super_resolution import awsrn, rcan_han, san

FIGURES = (mirnet, mirnet_v2, awsrn, rcan_han, san, spsagan)
