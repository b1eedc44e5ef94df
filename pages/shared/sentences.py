"""The fixed sentences of the pages, in one place: those that hold figures are made in wording."""

from collections.abc import Mapping
from types import MappingProxyType

NOT_FOR_CLINICAL_USE = (
    "Research demo, not for clinical use. Scans stay in this session's memory and nowhere else."
)
WHAT_THIS_IS = (
    "Opacity reads chest films and brain scans with small models and shows what moved them: for clinicians, "
    "students and researchers who want to see what such models can do and where they fail."
)
UPLOAD = "Upload a scan, or drop it anywhere"
UPLOAD_HELP = "PNG, JPEG, DICOM or NIfTI, several at once if you like."
INVITATION = "Upload a {} (PNG, JPEG or DICOM), or try one below."
SAMPLES_INVITATION = "Click a sample to have it read. Synthetic ones were made by a model and show nobody."
PUBLIC_FILM = ("Public film", "A real patient's, published without a name.")
SYNTHETIC_SAMPLE = ("AI-generated example", "Made as: {}. Not a real patient.")
BURNED_IN = (
    "This file says that text is burned into its picture: it may name the patient. "
    "Cover it before you share the screen or a copy."
)
ANALYSE_ANYWAY = "Analyse anyway (result unreliable)"
ANALYSE_ANYWAY_HELP = "For research: the result stays marked as read despite the refusal."
STEPS = (
    ("Verdict:", "what the model says"),
    ("Evidence:", "where it looked"),
    ("Move the line:", "what another threshold costs, on Thresholds"),
)
TOUR = (
    (".st-key-samples-landing", "Click a sample, or drop a scan of your own anywhere: it is read at once."),
    (".opacity-verdict", "The verdict. The bar shows the score; the line on it is the threshold."),
    (
        ".st-key-film",
        "The heat map shows what moved the model. Drag moves, the wheel zooms, ? lists the keys.",
    ),
    ("[data-testid=stSidebarNav]", "Thresholds shows what each threshold costs; Models whom to trust."),
)
BESIDE, NOTHING_BESIDE = "Beside it", "No other scan"
BESIDE_CAPTION = (
    "Another scan of this session, not aligned and of another scale. A map chosen in the list of layers lies "
    "on the first one."
)
SAMPLES_PAGE = (
    "Films and slices to try the app with. Those marked Synthetic were drawn by a generative model and show "
    "nobody; here is what they look like to the classifiers, and how far they are from every training scan."
)
NO_SAMPLES = "No synthetic samples ship with this checkout. Make them with: `{}`"
HARD_SAMPLES = (
    "The other samples were chosen so that every model reads them as made. These hard ones were not: each is "
    "the next of those in their order, changed by a fixed rule before any model was asked, to be borderline, "
    "to part the models or to be refused. None is of an adult: the generator learned from children's films."
)
ROUTED = "This looks like a {}, so it is read with {}. Another model can be chosen under Model."
ROUTED_BY_AGE = "{} did not learn from patients of this age, so this is read with {}."
TRAINED_ON_CHILDREN = "Trained on children of {} to {} years."
FLAGGED = (
    "In {} of another hospital {:.0f} of 100 normal films were flagged ({}: {} films, 95 % interval {:.0f} "
    "to {:.0f})."
)
WHOSE_FILM = "Whose film is this?"
DETECTOR_PAGE = (
    "How unlike normal a scan is can only be told by a model of normal scans alone. Used here: {}."
)
DECISIVE = (
    "Each at its own threshold, on test. Worst source: where it tells normal from abnormal least; "
    "models measured on several come first. False "
    "alarms: of normal scans, at home and at the worst place that it did not learn from, where one was "
    "measured. MB: weights on disk. ms: a scan, where timed. Yardsticks, there to be beaten, stand last. The "
    "order is one of test figures, to read by: the recommended model was chosen without them."
)
ALL_FIGURES = (
    "Test figures, at the card's own threshold; intervals of 95 % go by patient, where patients are known. "
    "Models stand above the yardsticks, which see no disease. Border alone: the AUC of a logistic regression "
    "on the outer eighth of the same test scans; source alone: of guessing by the public set that a scan is "
    "from. A model no better may have learned nothing else. At equal detail: test scans blurred until the "
    "region of each has as little detail as the least detailed; beside it what that detail itself then "
    "tells, and neither where that is more than 0.60, for then the control proves nothing. Sources of both "
    "classes: without sets that hold normal or abnormal scans alone, such as the children's films among the "
    "adults of the COVID task. Models that were tested on other scans are not to be compared line by line. "
    "Test sets hold normal scans and the disease asked for, and little else: among other diseases, as in a "
    "clinic, expect less. Empty: not measured, or of one source alone. Top-1 accuracy: by the most "
    "probable class. MB: weights on disk, shared parts included."
)
NO_PLAIN_CUES = "What the border of these scans tells, with nothing else of them, was not measured."
BY_SCAN = (
    "Intervals here take every scan for a patient of its own; those by patient are under Elsewhere. PPV and "
    "NPV hold at the share of abnormal scans in each split; page Thresholds has them at yours."
)
ALL_DETECTORS = (
    "Equal detail: test scans blurred until the region of each has as little detail as the least detailed; "
    "shown where detail itself then tells hardly more than chance. Correlation with the yardstick: rank "
    "correlation with a score that measures fine detail alone. Time: one scan on one core, lungs already "
    "found. Memory: the weights, shared backbones included."
)
ONE_SEED = "Trained from one seed: how much its figures owe to chance in training is not known."
PROMISES = (
    "Promised: the policy's target; where it states none, what it reaches on runs of file numbers that "
    "it was not chosen on. Kept: on the whole test split, then on each public set in it, with intervals "
    "clustered by patient. Broken: more than .05 below the promise on the whole test split."
)
NO_SHARED_SCANS = "These two were not tested on the same scans, of both classes: they cannot be compared so."
HOW_COMPARED = (
    "Second less first, 95 % interval by DeLong 1988, films of one patient counted together (Obuchowski "
    "1997). A difference on these scans says nothing of other places."
)
NO_PICTURES = "The folder with the public data sets holds none of these cases: no pictures."
OWN_THRESHOLD = "the model's own"
DROP_FILMS = (
    "Drop films above, or a folder with one folder per class: each is read and scored, and stays in this "
    "session's memory until you clear the list."
)
WITH_LABELS = (
    "With labels, this page also measures the model: sort the films into one folder per class, or add a CSV."
)
STUDY = (
    "Read every film twice: first alone, then with the model's verdict and map, each time in another order "
    "drawn from the seed and without names. Every answer is a certainty from 1 to 6, also by the number "
    "keys. With labels the page then shows what the model's help was worth. Nothing leaves this session "
    "unless you export it."
)
STUDY_OTHER_MODEL = (
    "This study was begun with another model or other weights: choose {} again, or end the study."
)
STUDY_FILMS_GONE = "{} films of this study are no longer on the list. What was answered can still be saved."
STUDY_STAGE = {"alone": "without the model", "helped": "with the model"}
STUDY_CURVES = (
    "Points: each certainty taken for abnormal from there on; the model at its threshold. Shaded: what the "
    "95 % Wilson intervals of both rates span at each cut."
)
GAIN_BY_SEVERAL = (
    "Obuchowski and Rockette 1995, covariances by the jackknife over cases, degrees of freedom by Hillis "
    "2007: it holds for readers and cases like these."
)
GAIN_BY_ONE = "DeLong 1988: it holds for this reader on cases like these, and says nothing of other readers."
DISCLAIMER = "Research demo, not for clinical use: not a medical device, and no diagnosis."
PASSED = "Passed: the scan is of a kind that this model may judge."
READ_ANYWAY = "Read at the reader's request although the input check refused it: {}"
REPORT_NAME = "Leave it off where the name tells who the patient is. Nothing else of the file names anybody."
LATIN_ONLY = "The PDF has Latin letters only: others become a question mark."
LINK_WITHOUT_FILM = (
    "The link opens this page with this model and threshold. The film is not in it: it stays in this session."
)
NO_ROOM = (
    "{} films do not fit beside those on the list, the first of them {}: clear the list, or screen a folder "
    "of any size with python -m core screen."
)
LET_GO = "Let go, as a session holds only so much: {}. Drop them again, fewer at a time, to see them."
NO_OWN_MODELS = (
    "None yet. One command makes one of your films, in a folder with one sub-folder per class; it stands "
    "here as soon as it is written."
)
TRAIN_LINE = "python -m train.new NAME --data FOLDER"
OWN_MODELS_COMPARED = (
    "Each on its own test films, of which it learned nothing. Models of different films cannot be compared "
    "by these figures: judge one labelled set with both on page Screen. All else about a model is in its "
    "task above."
)
TRAIN_ON_THESE = (
    "Save the table as {file} beside the films, in the folder that you dropped or that they lie in, and run "
    "the line below there. Training takes place on your machine, not in this page."
)
KEEP_PATIENT = "Name, birth date and the like of the file go into the saved one. Left out otherwise."
ERROR_GIVEN_DETAIL = (
    "A network that learned normal scans misses more wherever a scan shows more fine detail, sick or not. "
    "So each cell is compared with normal scans that show as much detail at that place (grey). "
    "The score is how far the cells of this scan (orange) lie above that, on average."
)
RAW_ERROR = "By the error as it is, as public projects report it, this network has a test AUROC of {:.3f}."
BRIGHTEST = "Brightest = the strongest influence seen in 95% of validation scans."
BRIGHTEST_OWN = "Brightest = the strongest influence in this film, so films cannot be compared."
HEAT_MAP_CAUTION = "A heat map shows what moved the model, not where disease is."
LOCALISATION = (
    "Means over {reported} outlined scans, with 95 % intervals by scan; {chosen} others chose the method "
    "and the cut. Pointing game: share of scans whose hottest place lies in the outline. Average precision: "
    "of all places, in the order of their heat. Overlap: intersection over union at one cut for all scans. "
    "Three maps know nothing of the scan: even heat over lungs or head, the mean outline of the other scans, "
    "and nearness to the centre. Worth: useful where a map beats all three in both its hottest place and its "
    "order, ignore where in neither, weak between."
)
PROBABILITY = "Where it finds {}"
NOT_THE_VERDICTS = (
    "How probably each place is lesion, by the model that outlines; it is no part of the verdict."
)
SHOW_MAP = "Show the heat map all the same"
MAP_WORTH: Mapping[str, str] = MappingProxyType(
    {
        "useful": "**Useful** for finding disease: on outlined scans {} beat every map that knows nothing of "
        "the scan.",
        "weak": "**Weak** for finding disease: on outlined scans {} beat the maps that know nothing of the "
        "scan only in part.",
        "ignore": "**Ignore** for finding disease: on outlined scans {} was no better than a map that knows "
        "nothing of the scan.",
    }
)
MAP_FIGURES = "Figures of the map, and how to read them"
TEST_MAP = "Test this map (blur the hot areas)"
TEST_MAP_HELP = "Blurs the hottest places first, then shows them first, and records the probability."
ASK_ALL = "Ask all {} other models"
ASK_OTHER = "Ask the other model"
FORGET_ALL = "Forget all"
OTHER_REFUSAL = "Not read: the scan does not pass this model's input check."
REFUSALS: Mapping[str, str] = MappingProxyType(
    {
        "size": "Not read: the picture is too small.",
        "blank": "Not read: the picture is blank.",
        "colour": "Not read: this looks like a photograph or a screenshot.",
        "modality": "Not read: the file names another modality.",
        "age": "Not read: this model did not learn from patients of this age.",
        "view": "Not read: this is a lateral view.",
        "unlike": "Not read: the scan is unlike those this model learned from.",
        "chest": "Not read: this looks like a chest film.",
        "bone": "Not read: the skull does not look as this model expects.",
        "kind": "Not read: this looks more like a CT slice.",
        "lungs": "Not read: two lungs were not found with confidence.",
        "negative": "Not read: black and white are exchanged. Turn it back to have it read.",
        "card": "The model cannot be used.",
    }
)
