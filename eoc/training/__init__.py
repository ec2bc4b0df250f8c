"""How well fully connected networks train from different initialisations: data, networks, and the training itself."""
