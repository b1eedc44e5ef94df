"""Slow explainers with little to do: whether they work does not depend on how long."""

BRIEF = {
    "score-cam": {"channels": 4},
    "occlusion": {"window": 48, "stride": 48},
    "integrated-gradients": {"steps": 2},
}
