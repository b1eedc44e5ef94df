"""What pages call each way to draw a heat map, and how they explain it in a line."""

from pages.shared.language import later, tr

NAMES = {
    "map": later("Its map"),
    "even heat": later("Even heat"),
    "mean outline": later("Mean outline of other scans"),
    "centre": later("Nearness to the centre"),
    "grad-cam": "Grad-CAM",
    "grad-cam++": "Grad-CAM++",
    "hires-cam": "HiResCAM",
    "layer-cam": "LayerCAM",
    "score-cam": "Score-CAM",
    "occlusion": later("Occlusion"),
    "integrated-gradients": later("Integrated gradients"),
}
MEANINGS = {
    "grad-cam": later("Feature maps weighted by their mean gradient."),
    "grad-cam++": later("Feature maps weighted by the places that raise the score."),
    "hires-cam": later("Every cell of the feature maps weighted by its own gradient."),
    "layer-cam": later("Every cell weighted by its own gradient, positive ones only."),
    "score-cam": later("Feature maps weighted by the score of the film seen through each."),
    "occlusion": later("What the score loses when a window is covered."),
    "integrated-gradients": later("The score shared out among patches of pixels."),
}


def name(method: str) -> str:
    """As its paper writes it."""
    return tr(NAMES.get(method, method))


def meaning(method: str) -> str:
    return tr(MEANINGS.get(method, "No words yet."))
