"""Bytes to a Scan: pictures and DICOM, decoded apart from everything else, within limits."""
