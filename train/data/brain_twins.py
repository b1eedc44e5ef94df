"""Find brain MRI slices that test nothing: python -m train.data.brain_twins --data DATA

Test slices that look like a slice to learn from, contrast changed or not, and head CT among the normals.
"""

import argparse
import csv
from pathlib import Path

from train.data import datasets
from train.data.near_copies import thumbnails

ALIKE = 0.95  # correlation of thumbnails: copies with another contrast, and neighbours of one series
HEAD_CT = {  # by eye: skull white, fluid dark
    "test/notumor/Te-noTr_0000.jpg",
    "test/notumor/Te-noTr_0005.jpg",
    *(
        f"test/notumor/Te-no_{number:04}.jpg"
        for number in (10, 11, 34, 36, 40, 42, 43, 51, 56, 57, 58, 59, 86, 92, 96)
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the public data sets")
    cases = datasets.every_brain_mri(parser.parse_args().data)
    test = [case for case in cases if case.split == "test"]
    learned = [case for case in cases if case.split != "test"]
    alike, nearest = (thumbnails(test) @ thumbnails(learned).T).max(1)
    with datasets.BRAIN_MRI_LEFT_OUT.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["slice", "why"])
        for case, value, other in zip(test, alike, nearest, strict=True):
            if case.name in HEAD_CT or value >= ALIKE:
                writer.writerow([case.name, "CT" if case.name in HEAD_CT else learned[other].name])


if __name__ == "__main__":
    main()
