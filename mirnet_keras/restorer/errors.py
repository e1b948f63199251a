"""What restoring can end with."""


class RestorerError(ValueError):
    """A picture cannot be restored as asked; the message says why and what to do."""
