"""Shipped cards that answer fast: what surrounds a network is tested as well with a small one."""

from core import cards

CLASSIFIER = cards.read("pneumonia-all-ages-small")
DETECTOR = cards.read("chest-autoencoder")
