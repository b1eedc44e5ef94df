"""The learned check of the gate: python -m train.gate"""
