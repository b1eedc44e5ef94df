"""What stands around the picture: the other scans held, and what the other models say."""
