"""What pages call each way to draw a heat map, and how they explain it in a line."""

NAMES = {
    "map": "Its map",
    "even heat": "Even heat",
    "mean outline": "Mean outline of other scans",
    "centre": "Nearness to the centre",
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
    "hires-cam": "HiResCAM",
    "layer-cam": "LayerCAM",
    "score-cam": "Score-CAM",
    "occlusion": "Occlusion",
    "integrated-gradients": "Integrated gradients",
}
MEANINGS = {
    "grad-cam": "Feature maps weighted by their mean gradient.",
    "grad-cam++": "Feature maps weighted by the places that raise the score.",
    "hires-cam": "Every cell of the feature maps weighted by its own gradient.",
    "layer-cam": "Every cell weighted by its own gradient, positive ones only.",
    "score-cam": "Feature maps weighted by the score of the film seen through each.",
    "occlusion": "What the score loses when a window is covered.",
    "integrated-gradients": "The score shared out among patches of pixels.",
}


def name(method: str) -> str:
    """As its paper writes it."""
    return NAMES.get(method, method)


def meaning(method: str) -> str:
    return MEANINGS.get(method, "No words yet.")
