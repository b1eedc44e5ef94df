"""What cards call their detectors, and what each cannot do."""

TITLES = {
    "chest-autoencoder": "Convolutional autoencoder",
    "chest-convlstm": "ConvLSTM autoencoder",
    "chest-vae": "Variational autoencoder",
    "chest-restoring": "Restoring autoencoder",
    "chest-detail": "Fine detail (the yardstick)",
    "chest-detail-lungs": "Fine detail inside the lungs",
    "chest-mean-film": "Mean film as reconstruction (control)",
    "chest-detail-alone": "Detail alone (control)",
    "chest-dense": "Dense and dull",
    "chest-mahalanobis-dinov2": "Mahalanobis distance, DINOv2",
    "chest-mahalanobis-resnet50": "Mahalanobis distance, ResNet-50",
    "chest-patchcore": "PatchCore, DINOv2",
    "chest-ensemble": "Ensemble of unlike detectors",
    "brain-ct-autoencoder": "Convolutional autoencoder",
    "brain-ct-vae": "Variational autoencoder",
    "brain-ct-patchcore": "PatchCore, DINOv2",
    "brain-mri-autoencoder": "Convolutional autoencoder",
    "brain-mri-vae": "Variational autoencoder",
    "brain-mri-mahalanobis-dinov2": "Mahalanobis distance, DINOv2",
    "brain-mri-patchcore": "PatchCore, DINOv2",
}

LIMITATIONS = {
    "autoencoder": ("A faint opacity can be rebuilt as well as healthy lung and then goes unseen.",),
    "vae": (
        "Rebuilds blurred: its error is large at every edge, and only beyond what is usual does it count.",
    ),
    "restoring": (
        "Learned to remove lesions drawn by a program; what looks unlike them may be kept.",
        "Only places brighter than restored count: air where none should be goes unseen.",
    ),
    "convlstm": (
        "The public model of this kind claims accuracy 0.9756, from a subset of 508 images at the threshold "
        "1e-7. Here every film scores above that: it would call all of them abnormal. The figures of this "
        "card are from the whole official test, at a threshold from normal films alone.",
        "It foretells each level of a pyramid from the coarser ones: what is out of place but smooth is "
        "foretold as well. By the error as it is, sick films score below normal ones, having less detail to "
        "get wrong: that score runs backwards.",
    ),
    "detail": (
        "No network: it only measures how little fine detail the middle of the film shows.",
        "A blurred film scores as sick; part of its figure is acquisition and not disease.",
    ),
    "mean-film": ("No network: every film is compared with the mean of normal films. A control.",),
    "detail-alone": ("No network: it only measures how little detail the lungs show. A control.",),
    "dense": (
        "No network: brightness less detail in six parts of the lungs. Breathing out raises it as well.",
        "Disease that leaves the lungs dark or ribs and vessels sharp goes unseen.",
        "Made after the test figures of other detectors were known: its idea, not its form, owes to them.",
    ),
    "mahalanobis": ("Sees averages over regions of the lungs: a small lesion hardly moves them.",),
    "patchcore": ("A patch counts by its nearest normal patch wherever that was, up to a coarse place.",),
    "ensemble": ("Shares the faults of its members where they agree, such as blurred films.",),
}
