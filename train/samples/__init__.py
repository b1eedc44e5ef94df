"""Sample scans that a model makes: python -m train.samples"""
