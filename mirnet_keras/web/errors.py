"""What making the page can end with."""


class WebError(RuntimeError):
    """The page cannot be made; the message says why and what to do."""
