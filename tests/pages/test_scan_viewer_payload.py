"""What the scan viewer's Python face packs for the browser."""

import json
import zlib

import numpy as np
import pytest

from pages.shared.components.scan_viewer import Layer, pack


def packed(scan: np.ndarray, *layers: Layer, outline: np.ndarray | None = None) -> tuple[dict, bytes]:
    payload = pack(scan, layers=layers, outline=outline, about={"key": "k"})
    length = int.from_bytes(payload[:4], "little")
    return json.loads(payload[4 : 4 + length]), payload[4 + length :]


def unpacked(plane: dict, body: bytes) -> np.ndarray:
    bytes_ = zlib.decompress(body[plane["offset"] : plane["offset"] + plane["length"]])
    steps = (
        np.frombuffer(bytes_, dtype=np.uint8).reshape(-1, plane["height"], plane["width"]).astype(np.int64)
    )
    if not plane["wide"]:
        return steps[0].cumsum(axis=1) % 256
    return (steps[0] * 256 + steps[1]).cumsum(axis=1) % 65536


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype=np.float32)


def test_a_film_of_eight_bits_travels_without_loss():
    scan = (noise(30, 40) * 255).round().astype(np.float32) / 255
    header, body = packed(scan)
    assert not header["film"]["wide"]
    np.testing.assert_array_equal(unpacked(header["film"], body), (scan * 255).round())


def test_a_deeper_film_travels_in_sixteen_bits_and_a_large_one_smaller():
    header, body = packed(noise(2000, 500))
    assert (header["film"]["wide"], header["film"]["height"], header["film"]["width"]) == (True, 1024, 256)
    assert header["shape"] == {"height": 2000, "width": 500}
    scan = noise(20, 30)
    header, body = packed(scan)
    np.testing.assert_allclose(unpacked(header["film"], body) / 65535, scan, atol=1e-5)


def test_codes_of_each_kind_of_layer():
    scan = noise(1, 5)
    values = np.array([[0, 0.5, 1, 9, np.nan]], dtype=np.float32)
    layers = [Layer(kind, values, kind, 1.0) for kind in ("heat", "grey")]
    layers.append(Layer("signed", np.array([[0, -1, 1, -9, 9]], dtype=np.float32), "signed", 1.0))
    header, body = packed(scan, *layers)
    codes = [unpacked(layer["plane"], body)[0].tolist() for layer in header["layers"]]
    assert codes == [[0, 100, 200, 255, 0], [1, 128, 255, 255, 0], [128, 1, 255, 1, 255]]


def test_the_digest_is_the_scans_and_the_version_everythings():
    scan, heat = noise(8, 8), noise(8, 8)
    first, second = (packed(scan, Layer("a", heat, "heat", scale))[0] for scale in (1.0, 2.0))
    assert first["digest"] == second["digest"]
    assert first["version"] != second["version"]
    assert packed(1 - scan)[0]["digest"] != first["digest"]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (Layer("heat", noise(3, 3)), "resize it first"),
        (Layer("heat", noise(4, 4), "jet"), "Choose from"),
        (Layer("heat", noise(4, 4), "heat", 0.0), "above 0"),
    ],
)
def test_a_layer_that_does_not_fit_is_refused_with_the_reason(layer, words):
    with pytest.raises(ValueError, match=words):
        packed(noise(4, 4), layer)


def test_a_lesions_mask_travels_beside_the_lungs():
    marks = np.zeros((30, 40), dtype=bool)
    marks[5:9, 10:20] = True
    payload = pack(noise(30, 40), layers=(), outline=~marks, marks=marks, about={"key": "k"})
    length = int.from_bytes(payload[:4], "little")
    header, body = json.loads(payload[4 : 4 + length]), payload[4 + length :]
    np.testing.assert_array_equal(unpacked(header["marks"], body), marks * 255)
    np.testing.assert_array_equal(unpacked(header["outline"], body), ~marks * 255)
    assert packed(noise(30, 40))[0]["marks"] is None
