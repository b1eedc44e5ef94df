"""One model for many hospitals: films on the accelerator, changed there, judged by leaving a source out."""
