"""People against the model, on the same photos: rounds, guesses, scores, results. No page, no TensorFlow.

One side of the game knows the answers: :class:`kangaroo.game.host.Host`. What it gives out before a guess is
a picture and a token that nobody can guess.
"""
