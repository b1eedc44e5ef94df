"""Names that cards, samples and core give to things, as pages show them in the session's language."""

from pages.shared.language import later

SEEN = (later("lungs"), later("head"), later("picture"))  # what an outline is a share of
SIDES = (later("left"), later("right"))  # of the patient
LABELS = (
    later("normal"),
    later("abnormal"),
    later("pneumonia"),
    later("bacterial"),
    later("viral"),
    later("bacterial pneumonia"),
    later("viral pneumonia"),
    later("covid"),
    later("tuberculosis"),
    later("opacity"),
    later("other finding"),
    later("lung"),
    later("tumour"),
    later("glioma"),
    later("meningioma"),
    later("pituitary"),
    later("stroke"),
    later("hemorrhage"),
)
HARD_SAMPLES = (
    later("bacterial pneumonia, blurred"),
    later("normal, on its side"),
    later("normal, blurred"),
    later("normal, a faint consolidation drawn in"),
    later("normal, a faint haze drawn in"),
    later("viral pneumonia, black and white exchanged"),
)
TASKS = (later("chest anomaly"), later("brain MRI anomaly"), later("brain CT anomaly"))
MODALITIES = (
    later("chest film"),
    later("frontal chest film"),
    later("brain MRI slice"),
    later("head CT slice"),
    later("chest films"),
    later("brain MRI slices"),
    later("head CT slices"),
)
SPLITS = (later("validation"), later("test"), later("here"), later("train"))
LINES = (
    later("precision"),
    later("recall"),
    later("perfect"),
    later("these scans"),
    later("test, before scaling"),
    later("loss"),
    later("calibration slope"),
)
UNITS = (
    later("logits per cell"),
    later("logits per patch"),
    later("weighted activation"),
    later("logits lost when covered"),
)
OPTIONS = (later("channels"), later("window"), later("stride"), later("steps"))
NETWORK_PARTS = (later("head"), later("half"), later("all"))
KINDS = (later("classifier"), later("detector"))
STATUSES = (later("unreadable"), later("refused"))
WORTH = (later("useful"), later("weak"), later("ignore"))
CERTAINTIES = (
    later("surely normal"),
    later("probably normal"),
    later("rather normal"),
    later("rather abnormal"),
    later("probably abnormal"),
    later("surely abnormal"),
)
