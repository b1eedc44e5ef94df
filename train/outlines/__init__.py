"""Networks that outline a lesion, and their cards."""
