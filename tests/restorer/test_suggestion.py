import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

import mirnet_keras
from mirnet_keras.images import decode_image, read_image
from mirnet_keras.imresize import imresize
from mirnet_keras.restorer import RestorerError, look, suggest_preset
from mirnet_keras.restorer.looking import Look
from mirnet_keras.restorer.suggestion import PRESETS, candidates, check_task

BUNDLED = Path(mirnet_keras.__file__).parent / "demo_images"
CLEAN, PHOTO = "awsrn_s_x2", "awsrn_photo_x2"
DENOISE, BRIGHTEN = "mirnet_denoise_small", "mirnet_lowlight_small"


@pytest.fixture
def everything(tmp_path, monkeypatch):
    """All presets of the table are known, those that are not shipped yet, too."""
    for name in {name for names in PRESETS.values() for name in names}:
        (tmp_path / name).mkdir()
        (tmp_path / name / "preset.json").write_text("{}")
    monkeypatch.setenv("MIRNET_KERAS_PRESETS", str(tmp_path))


def bundled(name):
    return read_image(BUNDLED / name)


def as_png(image):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()


def as_jpeg(image, quality):
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return file.getvalue()


def noisy(image, sigma):
    noise = np.random.default_rng(0).normal(0, sigma, image.shape)
    return (image + noise).round().clip(0, 255).astype(np.uint8)


def noisy_jpeg():
    return as_jpeg(noisy(bundled("coffee.webp"), 15), 90)


def web_jpeg():
    return as_jpeg(imresize(bundled("cat.webp"), 1 / 2), 50)


def dark_photo():
    return as_png(bundled("coffee_dark.png"))


def low_key_portrait():
    """A lit round face before black."""
    face = cv2.resize(bundled("cat.webp")[:200, :200], (120, 120), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[:400, :300]
    light = np.exp(-((((y - 150) / 60) ** 2 + ((x - 150) / 50) ** 2) ** 2))[..., None]
    room = cv2.copyMakeBorder(face, 90, 190, 90, 90, cv2.BORDER_REFLECT)
    return as_jpeg((light * np.clip(room * 1.4, 0, 255) + 6).clip(0, 255).astype(np.uint8), 95)


def page(ink, paper, blur=0.0, size=(300, 400)):
    """Lines of text."""
    image = np.full((*size, 3), paper, np.uint8)
    for line in range(10):
        text = "Restore what was sharp once."[line:] + "And more."[:line]
        place = (15, 30 + 28 * line)
        cv2.putText(image, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.6, ink, 1, cv2.LINE_AA)
    return cv2.GaussianBlur(image, (0, 0), blur) if blur else image


def dark_theme_screenshot():
    image = page((220, 220, 220), (30, 30, 34))
    image[:, :40] = (45, 45, 50)
    image[200:230, 60:200] = (60, 120, 220)
    return as_png(image)


def icon():
    image = np.zeros((48, 48, 4), np.uint8)
    cv2.circle(image, (24, 24), 20, (30, 60, 160, 255), -1, cv2.LINE_AA)
    cv2.line(image, (14, 24), (34, 24), (255, 255, 255, 255), 4, cv2.LINE_AA)
    return as_png(image)


def scan_of_text():
    return as_jpeg(noisy(page((40, 38, 36), (236, 233, 225), blur=0.6), 2), 85)


def clean_photo():
    return as_png(imresize(bundled("coffee.webp"), 1 / 2))


def phone_photo():
    """Smoothed against noise, then sharpened."""
    photo = cv2.bilateralFilter(bundled("coffee.webp").astype(np.float32), 5, 15, 1.5)
    sharper = photo + 2 * (photo - cv2.GaussianBlur(photo, (0, 0), 1))
    return as_jpeg(sharper.clip(0, 255).astype(np.uint8), 95)


def drawing():
    image = np.full((240, 320, 3), (250, 245, 230), np.uint8)
    cv2.ellipse(image, (160, 120), (90, 60), 20, 0, 360, (230, 120, 60), -1, cv2.LINE_AA)
    for number in range(12):
        cv2.line(image, (20 * number, 239), (160, 20 + 5 * number), (20, 20, 20), 2, cv2.LINE_AA)
    return as_png(image)


EVERYDAY = [
    (noisy_jpeg, DENOISE, "noisy photo"),
    (web_jpeg, PHOTO, "JPEG with visible blocks"),
    (dark_photo, BRIGHTEN, "dark photo"),
    (low_key_portrait, CLEAN, "clean photo"),
    (dark_theme_screenshot, CLEAN, "drawing, text or screenshot"),
    (icon, CLEAN, "drawing, text or screenshot"),
    (scan_of_text, CLEAN, "drawing, text or screenshot"),
    (clean_photo, CLEAN, "clean photo"),
    (phone_photo, PHOTO, "sharpened photo"),
    (drawing, CLEAN, "drawing, text or screenshot"),
]


@pytest.mark.parametrize(
    ("file", "preset", "seen"), EVERYDAY, ids=lambda x: getattr(x, "__name__", "")
)
def test_everyday_files_get_what_a_person_would_choose(everything, file, preset, seen):
    data = file()
    assert len(data) < 400_000
    suggestion = suggest_preset(look(decode_image(data)))
    assert (suggestion.preset, suggestion.seen) == (preset, seen)


def shows(pixels=1_000_000, **changes):
    """A look at a clean photo of daylight, changed."""
    seen = {"brightness": 110, "highlights": 220, "common_colours": 0.2, "hard_edges": 0.05}
    return Look(pixels, **seen | changes)


@pytest.mark.parametrize(
    ("seen", "preset"),
    [
        (shows(), CLEAN),
        (shows(8_000_001), DENOISE),
        (shows(8_000_001, common_colours=0.9, hard_edges=0.5), CLEAN),
        (shows(blocking=0.3), PHOTO),
        (shows(2_000_001, blocking=0.3), DENOISE),
        (shows(blocking=0.3, noise=9), DENOISE),
        (shows(halos=0.2), PHOTO),
        (shows(8_000_001, halos=0.2), DENOISE),
        (shows(brightness=40, highlights=90, noise=9), BRIGHTEN),
        (shows(brightness=40, highlights=200), CLEAN),
        (shows(brightness=40, highlights=90, common_colours=0.9, hard_edges=0.5), CLEAN),
    ],
)
def test_each_trait_and_size_has_its_preset(everything, seen, preset):
    assert suggest_preset(seen).preset == preset


@pytest.mark.parametrize(
    ("task", "preset"), [("enlarge", PHOTO), ("denoise", DENOISE), ("brighten", BRIGHTEN)]
)
def test_a_task_decides_but_for_the_kind(everything, task, preset):
    assert suggest_preset(shows(blocking=0.3), task).preset == preset
    assert suggest_preset(shows(blocking=0.3), task).seen == "JPEG with visible blocks"


def test_of_presets_that_are_not_installed_the_next_best_is_taken(
    everything, monkeypatch, tmp_path
):
    assert candidates() == sorted([CLEAN, PHOTO, DENOISE, BRIGHTEN])
    (tmp_path / PHOTO / "preset.json").unlink()
    monkeypatch.setattr("mirnet_keras.presets.loading._known_folders", lambda: {CLEAN: tmp_path})
    assert suggest_preset(shows(blocking=0.3)).preset == CLEAN
    assert candidates("enlarge") == [CLEAN]
    assert suggest_preset(shows(noise=9)).preset == DENOISE  # which loading then misses


def test_another_task_and_one_beside_a_preset_are_refused():
    with pytest.raises(RestorerError, match="one of .*brighten.*'sharpen'"):
        check_task("sharpen", None)
    with pytest.raises(RestorerError, match="leave one of them out"):
        check_task("denoise", CLEAN)
    with pytest.raises(RestorerError, match="one of"):
        suggest_preset(shows(), "sharpen")
    check_task(None, CLEAN)
