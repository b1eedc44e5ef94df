"""A card's model as a file for other programs: ONNX or OpenVINO, with a JSON that says how to use it."""

from core.export.writing import FORMATS, TOLERANCE, export

__all__ = ["FORMATS", "TOLERANCE", "export"]
