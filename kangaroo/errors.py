"""The package's exceptions: each message is one line that names the thing and the way out."""


class KangarooError(ValueError):
    """Input or usage that kangaroo can't work with; on the command line it exits with 2."""


class PhotoError(KangarooError):
    """One photo can't be read; the message is the reason alone, without the file's name."""


class DataError(KangarooError):
    """A photo folder, a manifest or a split can't be used."""


class ModelError(KangarooError):
    """A model file or its card can't be used."""


class UnfinishedError(RuntimeError):
    """Work ended early for a reason outside it, such as a full disk; on the command line it exits with 1.

    What was done is kept, and the same command goes on.
    """
