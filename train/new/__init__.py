"""A person's own films, from a folder to a card in the app: python -m train.new NAME --data FOLDER"""
