"""What restoring many pictures can end with."""


class BatchError(ValueError):
    """The pictures cannot be restored as asked; the message says why and what to do."""
