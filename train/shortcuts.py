"""The former name of train.baselines, which cards of that time quote."""

from train.baselines import main

if __name__ == "__main__":
    main()
