"""Lesions drawn into normal scans."""
