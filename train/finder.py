"""The former name of train.segmenter, which cards of that time quote."""

from train.segmenter import main

if __name__ == "__main__":
    main()
