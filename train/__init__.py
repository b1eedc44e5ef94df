"""Make the weights. Every script reads top to bottom and ends with a card."""
