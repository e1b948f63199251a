"""Files for other programs: written, loaded back and compared before they are handed over."""

from mirnet_keras.export.litert import to_litert
from mirnet_keras.export.litert_report import LiteRTReport
from mirnet_keras.export.onnx import to_onnx
from mirnet_keras.export.preset import export_preset
from mirnet_keras.export.quantization import QUANTIZATIONS
from mirnet_keras.export.report import ExportArgumentError, ExportError, ExportReport
from mirnet_keras.export.representative import RepresentativeError
from mirnet_keras.export.saved_model import to_saved_model
from mirnet_keras.litert_metadata import read_metadata

__all__ = [
    "QUANTIZATIONS",
    "ExportArgumentError",
    "ExportError",
    "ExportReport",
    "LiteRTReport",
    "RepresentativeError",
    "export_preset",
    "read_metadata",
    "to_litert",
    "to_onnx",
    "to_saved_model",
]
