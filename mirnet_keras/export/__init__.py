"""Files for other programs: written, loaded back and compared before they are handed over."""

from mirnet_keras.export.litert import QUANTIZATIONS, to_litert
from mirnet_keras.export.preset import export_preset
from mirnet_keras.export.report import ExportError, ExportReport
from mirnet_keras.export.saved_model import to_saved_model

__all__ = [
    "QUANTIZATIONS",
    "ExportError",
    "ExportReport",
    "export_preset",
    "to_litert",
    "to_saved_model",
]
