"""What cards say beside their test figures, measured after the card is written."""
