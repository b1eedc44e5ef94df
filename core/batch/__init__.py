"""Many scans: screening, labelled folders, Parquet, Ray."""
