"""The makers of sample scans, on tiny networks and noise; and what ships, against its card."""

import hashlib
import json
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch import Generator

from core import cards, gate
from core.card_types import Card
from core.reading import images
from train.fit import loop
from train.samples import __main__ as samples
from train.samples import autoencoder as sample_coder
from train.samples import card as sample_card
from train.samples import distances, flow, judges, texture
from train.samples import files as sample_files
from train.samples import prior as sample_prior
from train.samples import scans as sample_scans
from train.samples.networks import Autoencoder, Denoiser

SHIPPED = sample_card.FOLDER / "manifest.json"
ships = pytest.mark.skipif(not SHIPPED.is_file(), reason="no samples ship with this checkout")


@pytest.fixture
def prior() -> sample_prior.Prior:
    latents = torch.randn(60, 2, 28, 28, generator=Generator().manual_seed(0))
    mode = torch.arange(60) % 3
    return sample_prior.fit_prior(latents, mode, (mode == 2).long(), rank=5)


def denoiser(prior: sample_prior.Prior) -> Denoiser:
    torch.manual_seed(0)
    network = Denoiser(len(prior.means), latent=2, widths=(8, 16, 16))
    torch.nn.init.normal_(network.output[-1].weight, std=0.02)
    return network.eval()


def test_the_autoencoder_brings_eight_pixels_to_one_place_and_back():
    network = Autoencoder(width=8, latent=3)
    mean, spread = network.encode(torch.rand(2, 1, 96, 64))
    assert mean.shape == spread.shape == (2, 3, 12, 8)
    assert network.decode(mean).shape == (2, 1, 96, 64)


def test_the_denoiser_answers_in_the_shape_of_the_latents(prior: sample_prior.Prior):
    x = torch.randn(4, 2, 28, 28)
    found = flow.velocity(denoiser(prior), prior, x, torch.full((4,), 0.5), torch.tensor([0, 1, 2, 3]))
    assert found.shape == x.shape


def test_a_seed_makes_the_same_scan_alone_and_among_others(prior: sample_prior.Prior):
    network, modes, seeds = denoiser(prior), torch.tensor([0, 2, 1]), torch.tensor([7, 8, 9])
    three = flow.sample_latents(network, prior, modes, seeds, guidance=2, steps=4)
    alone = flow.sample_latents(network, prior, modes[1:2], seeds[1:2], guidance=2, steps=4)
    assert torch.equal(three, flow.sample_latents(network, prior, modes, seeds, guidance=2, steps=4))
    assert torch.allclose(three[1:2], alone, atol=0.05)  # bfloat16 sums differ with the batch
    assert not torch.allclose(three[0], three[1], atol=0.5)


def test_without_noise_the_bell_curves_leave_a_latent_as_it_is(prior: sample_prior.Prior):
    latents = torch.randn(2, 2, 28, 28)
    time = torch.full((2,), 1e-3)
    noise = torch.randn(latents.shape)
    x = (1 - 1e-3) * latents + 1e-3 * noise
    clean = x - 1e-3 * prior.velocity(x, time, torch.tensor([0, 2]))
    assert torch.allclose(clean, latents, atol=0.02)


def test_in_pure_noise_the_bell_curves_see_the_mean_of_the_mode(prior: sample_prior.Prior):
    x = torch.randn(1, 2, 28, 28)
    clean = x - prior.velocity(x, torch.ones(1), torch.tensor([1]))
    assert torch.allclose(clean.flatten(), prior.means[1], atol=1e-4)


def test_a_training_that_was_stopped_goes_on(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sample_coder, "CROPS_PER_EPOCH", 4)
    monkeypatch.setattr(sample_coder, "CROP", 32)
    pixels = torch.rand(4, 1, 64, 64)
    settings = loop.Settings(epochs=2, batch=2, average=0.5, bf16=False)
    torch.manual_seed(0)
    first = sample_coder.train_autoencoder(pixels, pixels, tmp_path, settings)
    torch.manual_seed(0)
    again = sample_coder.train_autoencoder(pixels, pixels, tmp_path, settings)
    assert "Going on after epoch 2 of 2." in capsys.readouterr().out
    assert all(
        torch.equal(a, b) for a, b in zip(first.network.parameters(), again.network.parameters(), strict=True)
    )


def test_the_distance_of_a_crowd_to_itself_is_nothing_and_grows_with_the_shift():
    crowd = torch.randn(200, 6, generator=Generator().manual_seed(0))
    near, far = (distances.frechet(crowd + shift, crowd) for shift in (1, 2))
    assert distances.frechet(crowd, crowd) == pytest.approx(0, abs=1e-6)
    assert near == pytest.approx(6, rel=1e-3)
    assert far == pytest.approx(24, rel=1e-3)


def test_a_copy_among_made_scans_is_found_whatever_its_exposure():
    real = torch.rand(20, 1, 224, 224, generator=Generator().manual_seed(0))
    made = torch.cat([torch.rand(1, 1, 224, 224), real[13:14] * 0.5 + 0.2])
    looks = distances.standardised_pixels(real)
    distance, place = distances.nearest_neighbours(distances.standardised_pixels(made), looks)
    apart = distances.patient_distances(looks, [f"person-{n}" for n in range(20)], Generator().manual_seed(0))
    assert int(place[1]) == 13
    assert float(distance[1]) < 0.01 < apart.nearest
    assert float(distance[0]) >= apart.nearest * 0.9


def test_scans_of_one_patient_do_not_count_as_apart():
    vectors = torch.tensor([[0.0], [0.0], [1.0], [3.0]])
    apart = distances.patient_distances(vectors, ["a", "a", "b", "c"], Generator().manual_seed(0))
    assert apart.nearest >= 1


def test_the_film_in_dicom_reads_as_the_same_film_and_says_what_it_is():
    film = torch.rand(1, 224, 224)
    pixels = sample_files.to_uint8(film)
    scan = images.read(sample_files.dicom_bytes(pixels, seed=5), "made.dcm")
    assert scan.modality == "DX"
    assert not scan.burned_in
    assert abs(scan.pixels - pixels / 255).max() < 0.01
    assert sample_files.dicom_bytes(pixels, seed=5) == sample_files.dicom_bytes(pixels, seed=5)


def test_the_film_in_dicom_names_nobody():
    pydicom = pytest.importorskip("pydicom")
    from io import BytesIO

    film = pydicom.dcmread(
        BytesIO(sample_files.dicom_bytes(sample_files.to_uint8(torch.rand(1, 224, 224)), seed=5))
    )
    assert str(film.PatientName) == "SYNTHETIC^SAMPLE"
    assert film.PatientBirthDate == ""
    assert film.BurnedInAnnotation == "NO"
    assert "SYNTHETIC" in film.ImageComments


def test_detail_is_missed_where_it_was_blurred_away_and_nowhere_else():
    scans = torch.rand(2, 1, 32, 32)
    blurred = torch.nn.functional.avg_pool2d(scans, 3, stride=1, padding=1)
    assert float(texture.texture_error(scans, scans)) == 0
    assert float(texture.texture_error(blurred, scans)) > 0.2


def test_patterns_of_detail_are_of_length_one_and_blind_to_brightness():
    found = texture.dct_basis().flatten(1)
    assert torch.allclose(found @ found.T, torch.eye(len(found)), atol=1e-5)
    assert float(found.sum(1).abs().max()) < 1e-4


def test_without_data_one_sentence_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["samples", "--data", str(tmp_path), "--runs", str(tmp_path)])
    with pytest.raises(SystemExit, match="chest_xray"):
        samples.main()


@pytest.fixture
def scans() -> sample_scans.Scans:
    condition = torch.arange(70) % 7
    pixels = torch.rand(70, 1, 224, 224, generator=Generator().manual_seed(0)).half()
    return sample_scans.Scans(pixels, condition, tuple(map(str, range(70))))


def autoencoder(seed: int) -> Autoencoder:
    torch.manual_seed(seed)
    return Autoencoder(width=8, latent=2).eval()


def test_another_autoencoder_or_other_scans_give_other_latents(scans: sample_scans.Scans, tmp_path):
    first, again, other = (
        samples.latent_space(tmp_path, autoencoder(seed), scans, scans) for seed in (0, 0, 1)
    )
    assert torch.equal(first.latents, again.latents)
    assert len(list(tmp_path.iterdir())) == 2
    assert not torch.equal(first.mean, other.mean)
    darker = replace(scans, pixels=scans.pixels / 2)
    assert not torch.equal(first.mean, samples.latent_space(tmp_path, autoencoder(0), darker, scans).mean)


def test_other_networks_draw_other_scans(prior: sample_prior.Prior, tmp_path, monkeypatch):
    monkeypatch.setattr(samples, "FRESH", (1, 0, 0, 1, 0, 0, 0))
    monkeypatch.setattr(samples, "GUIDANCE", (1.0, 1.0))
    monkeypatch.setattr(samples, "_random_mode", lambda *_: 0)
    unit = torch.ones(1, 2, 1, 1)
    nothing = torch.empty(0)
    space = samples.LatentSpace(nothing, nothing, (nothing, nothing), 0 * unit, unit)
    network, coder = denoiser(prior), autoencoder(0)

    def drawn() -> torch.Tensor:
        return samples.generate(tmp_path, coder, network, prior, space).pixels

    first = drawn()
    assert first.shape == (2, 1, 224, 224)
    assert torch.equal(drawn(), first)
    assert len(list(tmp_path.iterdir())) == 1
    torch.nn.init.normal_(network.output[-1].weight, std=0.5)
    second = drawn()
    coder = autoencoder(1)
    third = drawn()
    assert not torch.equal(first, second)
    assert not torch.equal(second, third)


def test_another_backbone_or_other_scans_are_looked_at_anew(scans: sample_scans.Scans, tmp_path, monkeypatch):
    seen = iter(torch.arange(9.0))
    monkeypatch.setattr(distances, "backbone_features", lambda _: next(seen))
    found = []
    for sha256, pixels in (
        ("a", scans.pixels),
        ("a", scans.pixels),
        ("b", scans.pixels),
        ("b", scans.pixels[:9]),
    ):
        monkeypatch.setattr(cards, "read", lambda _, sha256=sha256: SimpleNamespace(sha256=sha256))
        found.append(int(judges.cached_features(replace(scans, pixels=pixels), tmp_path)))
    assert found == [0, 0, 1, 2]


def plain_rows() -> list[dict[str, str]]:
    """Of the manifest, without the samples that were made hard on purpose."""
    return [row for row in json.loads(SHIPPED.read_text("utf-8"))["samples"] if not row.get("hard")]


@ships
def test_the_gate_admits_every_sample_that_ships():
    for row in plain_rows():
        scan = images.read((sample_card.FOLDER / row["file"]).read_bytes(), row["file"])
        card = cards.read(judges.CLASSIFIERS[row["modality"]])
        assert isinstance(card, Card)
        gate.check(scan, card)


@ships
def test_the_card_tells_the_same_samples_and_nine_in_ten_verdicts_agree():
    card = json.loads((sample_card.FOLDER / "card.json").read_text("utf-8"))
    rows = plain_rows()
    for modality, measures in card["agreement"].items():
        assert measures["shipped"]["n"] == sum(row["modality"] == modality for row in rows)
        assert measures["shipped"]["admitted"] == 1
        assert min(measures["shipped"]["agrees"], measures["fresh"]["agrees"]) >= 0.9


@ships
def test_what_ships_is_what_the_manifest_lists():
    rows = json.loads(SHIPPED.read_text("utf-8"))["samples"]
    listed = {row["file"]: row["sha256"] for row in rows}
    there = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sample_card.FOLDER.iterdir()
        if path.suffix in {".png", ".dcm"}
    }
    assert there == listed
    assert all(row["synthetic"] for row in rows)
    assert any(name.endswith(".dcm") for name in listed)


@ships
def test_each_sample_that_ships_is_nobody_by_its_card():
    card = json.loads((sample_card.FOLDER / "card.json").read_text("utf-8"))
    rows = plain_rows()
    for modality, measures in card["nearest"].items():
        files = {row["file"] for row in rows if row["modality"] == modality}
        for name in ("pixels", "features"):
            assert set(measures[name]["shipped"]) == files
            least = measures[name]["real patients, 5th percentile of nearest"]
            assert min(measures[name]["shipped"].values()) >= least


def test_random_numbers_of_the_caller_go_on_as_they_were():
    pixels = torch.rand(12, 1, 16, 16, generator=Generator().manual_seed(0))
    before = torch.get_rng_state()
    first = distances.pca_samples(pixels, 3, Generator().manual_seed(1))
    sample_prior._principal_spread(pixels.flatten(1), 4)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(5)
    assert torch.equal(distances.pca_samples(pixels, 3, Generator().manual_seed(1)), first)
