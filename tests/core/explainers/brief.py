"""Slow explainers with little to do: whether they work does not depend on how long."""

BRIEF = {
    "score-cam": {"channels": 4},
    "occlusion": {"window": 112, "stride": 112},
    "integrated-gradients": {"steps": 2},
}
