"""A verdict as a DICOM Structured Report (TID 1500) in the study of the scan it is about."""

from dataclasses import dataclass
from io import BytesIO
from typing import Final

import highdicom
from highdicom.sr import (
    AlgorithmIdentification,
    CodedConcept,
    Comprehensive3DSR,
    DeviceObserverIdentifyingAttributes,
    Measurement,
    MeasurementReport,
    MeasurementsAndQualitativeEvaluations,
    ObservationContext,
    ObserverContext,
    QualitativeEvaluation,
    RelationshipTypeValues,
    SourceImageForMeasurementGroup,
    TextContentItem,
    TrackingIdentifier,
)
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes

from core.anatomy.outlines import Outline
from core.card_types import CardBase, SegmenterCard
from core.export import segmentation
from core.export.capture import DESCRIPTION

SCHEME: Final = "99OPACITY"  # private codes: DICOM has none for what a model of this kind says
SCORE: Final = CodedConcept("score", SCHEME, "Score of the model")
THRESHOLD: Final = CodedConcept("threshold", SCHEME, "Threshold on the score")
VERDICT: Final = CodedConcept("verdict", SCHEME, "Verdict of the model")
SHARE: Final = CodedConcept("share", SCHEME, "Share of the region looked at")


@dataclass(frozen=True, slots=True)
class Found:
    """What is reported. verdict: a word or two, such as "abnormal". words: the same in a sentence."""

    verdict: str
    words: str
    score: float
    threshold: float


def structured_report(
    data: bytes,
    name: str,
    found: Found,
    card: CardBase,
    *,
    outlined: tuple[Outline, SegmenterCard] | None = None,
    keep_patient: bool = False,
) -> bytes:
    """A Comprehensive 3D SR: verdict, score and threshold, by which model, on which image.

    data: the DICOM file that was read.
    name: of that file, for messages.
    found: what is reported.
    card: that judged.
    outlined: an outline and the card that drew it; its area is reported.
    keep_patient: whether name, birth date and the like of the file go along; else they stay empty.
    Raises OpacityError where the file is no DICOM file or names no study.
    """
    source = segmentation.source(data, name, keep_patient)
    groups = [_judged(source, found, card)]
    if outlined is not None and outlined[0].marks:
        groups.append(_area(source, *outlined))
    device = DeviceObserverIdentifyingAttributes(
        uid=highdicom.UID(), name="Opacity", manufacturer_name="Opacity", model_name=card.id
    )
    context = ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=codes.DCM.Device, observer_identifying_attributes=device
        )
    )
    content = MeasurementReport(
        observation_context=context,
        procedure_reported=codes.SCT.ImagingProcedure,
        imaging_measurements=groups,
    )
    content[0].ContentSequence.append(
        TextContentItem(
            name=codes.DCM.Comment,
            value=f"{found.words}. {DESCRIPTION}.",
            relationship_type=RelationshipTypeValues.CONTAINS,
        )
    )
    made = Comprehensive3DSR(
        evidence=[source],
        content=content[0],
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="Opacity",
        is_complete=True,
    )
    made.SeriesDescription = DESCRIPTION
    made.ManufacturerModelName, made.SoftwareVersions = card.id, card.version
    file = BytesIO()
    made.save_as(file)
    return file.getvalue()


def _judged(source: Dataset, found: Found, card: CardBase) -> MeasurementsAndQualitativeEvaluations:
    verdict = CodedConcept(found.verdict.replace(" ", "-"), SCHEME, found.verdict)
    return _group(
        source,
        card,
        measurements=[
            Measurement(name=what, value=float(f"{value:.6g}"), unit=codes.UCUM.NoUnits)
            for what, value in ((SCORE, found.score), (THRESHOLD, found.threshold))
        ],
        evaluations=[QualitativeEvaluation(VERDICT, verdict)],
    )


def _area(
    source: Dataset, outline: Outline, outliner: SegmenterCard
) -> MeasurementsAndQualitativeEvaluations:
    known = [(SHARE, 100 * outline.share, codes.UCUM.Percent)]
    if outline.square_millimetres is not None:
        known.insert(0, (codes.SCT.Area, outline.square_millimetres, codes.UCUM.SquareMillimeter))
    measurements = [
        Measurement(name=what, value=float(f"{value:.6g}"), unit=unit) for what, value, unit in known
    ]
    return _group(source, outliner, measurements=measurements, evaluations=[])


def _group(
    source: Dataset,
    card: CardBase,
    *,
    measurements: list[Measurement],
    evaluations: list[QualitativeEvaluation],
) -> MeasurementsAndQualitativeEvaluations:
    """What one card found on the image, with the card's id and the sha256 of its weights."""
    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=highdicom.UID(), identifier=card.task),
        algorithm_id=AlgorithmIdentification(
            name=card.id,
            version=card.sha256,
            family=codes.DCM.ArtificialIntelligence,
            manufacturer="Opacity",
        ),
        measurements=measurements,
        qualitative_evaluations=evaluations or None,
        source_images=[SourceImageForMeasurementGroup(source.SOPClassUID, source.SOPInstanceUID)],
    )
