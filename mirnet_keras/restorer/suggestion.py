"""Which preset suits an image when none was named."""

import dataclasses

from mirnet_keras.restorer.errors import RestorerError
from mirnet_keras.restorer.looking import Look

TASKS = ("enlarge", "denoise", "brighten")
LOW_LIGHT_PRESET = "mirnet_lowlight_small"
ENLARGING_PRESET = "awsrn_s_x2"
# Best first: of a kind, the first preset that is installed is taken.
PRESETS: dict[tuple[str, str], tuple[str, ...]] = {
    ("enlarge", "clean"): (ENLARGING_PRESET,),
    ("enlarge", "faulty"): ("awsrn_photo_x2", ENLARGING_PRESET),
    ("denoise", "clean"): ("mirnet_denoise_small",),
    ("denoise", "faulty"): ("mirnet_denoise_small",),
    ("brighten", "clean"): (LOW_LIGHT_PRESET,),
    ("brighten", "faulty"): (LOW_LIGHT_PRESET,),
}
LARGE_JPEG = 2_000_000  # pixels: enlarging a larger one shows its blocks more than its detail
LARGE = 8_000_000  # pixels: a larger photo has enough of them


@dataclasses.dataclass(frozen=True)
class Suggestion:
    """A preset, and why.

    Attributes:
        preset: its name.
        seen: a few words on what the image shows; None where it was not looked at.
    """

    preset: str
    seen: str | None = None


def suggest_preset(seen: Look, task: str | None = None) -> Suggestion:
    """Suggest the preset that suits an image.

    Args:
        seen: what the image shows.
        task: "enlarge", "denoise" or "brighten": what to do with it; None chooses that, too.

    Raises:
        RestorerError: for another task.
    """
    check_task(task)
    is_faulty = not seen.is_drawn and (seen.is_noisy or seen.is_blocky or seen.is_sharpened)
    kind = "faulty" if is_faulty else "clean"
    return Suggestion(_installed(PRESETS[task or _task(seen), kind]), _in_words(seen))


def candidates(task: str | None = None) -> list[str]:
    """Return the presets that `suggest_preset` chooses from, as they are installed now."""
    chosen = [names for (of, _), names in PRESETS.items() if task in (None, of)]
    return sorted({_installed(names) for names in chosen})


def check_task(task: str | None, preset: str | None = None) -> None:
    """Raise for an unknown task, and for a task beside a preset.

    Raises:
        RestorerError: in both cases.
    """
    if task is not None and task not in TASKS:
        raise RestorerError(f"`task` must be one of {list(TASKS)}. Received {task!r}.")
    if task is not None and preset is not None:
        raise RestorerError(
            f"`task` chooses a preset and `preset` names one. Received task={task!r} and "
            f"preset={preset!r}: leave one of them out."
        )


def _task(seen: Look) -> str:
    if seen.is_drawn:
        return "enlarge"
    if seen.is_dark:
        return "brighten"
    is_large = seen.pixels > (LARGE_JPEG if seen.is_blocky else LARGE)
    return "denoise" if seen.is_noisy or is_large else "enlarge"


def _in_words(seen: Look) -> str:
    if seen.is_drawn:
        return "drawing, text or screenshot"
    facts = {"large": seen.pixels > LARGE, "dark": seen.is_dark, "noisy": seen.is_noisy}
    facts["sharpened"] = seen.is_sharpened and not seen.is_noisy  # noise has halos, too
    words = [word for word, applies in facts.items() if applies]
    if seen.is_blocky:
        return " ".join([*words, "JPEG"]) if words else "JPEG with visible blocks"
    return " ".join([*words, "photo"]) if words else "clean photo"


def _installed(names: tuple[str, ...]) -> str:
    """Return the first preset that is installed; where none is, the first, for loading to name."""
    from mirnet_keras.presets import PresetError, find  # with pydantic, which LiteRT does without

    for name in names:
        try:
            find(name)
        except PresetError:
            continue
        return name
    return names[0]
