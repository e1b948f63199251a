"""The page in Chromium: the pictures that visitors download against those of `Restorer`."""

import json
import re
import shutil
import signal
import subprocess
import sys
import urllib.request

import numpy as np
import pytest

from mirnet_keras.demo import demo_picture
from mirnet_keras.images import encode_image, read_image
from mirnet_keras.restorer import Restorer
from mirnet_keras.web import build_site, server, serving

playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra [browser]")
CHROMIUM = shutil.which("chromium")
NEEDED = {"Chromium": CHROMIUM, "npm": shutil.which("npm")}
MISSING = [name for name, path in NEEDED.items() if path is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {' and '.join(MISSING)}"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
MINUTES = 5 * 60_000  # milliseconds: the machine may be busy


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return build_site(
        tmp_path_factory.mktemp("demo") / "web", ["mirnet_lowlight_small", "awsrn_s_x2"]
    )


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def plain_server(monkeypatch):
    """Comes before `page`: a server that knows of no headers."""
    monkeypatch.setattr(server, "HEADERS", {})


@pytest.fixture
def page(browser, site):
    """The page, open; all that it asked for by the end came from its own folder."""
    asked, faults = [], []
    with serving(site) as address:
        context = browser.new_context()
        page = context.new_page()
        page.set_default_timeout(MINUTES)
        page.on("request", lambda request: asked.append((request.method, request.url)))
        page.on("pageerror", lambda fault: faults.append(fault))
        page.goto(address)
        page.get_by_role("radio").first.wait_for()
        yield page
        context.close()
    own = (address, f"blob:{address}", "data:")
    assert {method for method, _ in asked} == {"GET"}
    assert not [url for _, url in asked if not url.startswith(own)]
    assert not faults


@pytest.fixture
def restored(page, tmp_path):
    """`restored()`: the picture that the page saves, and its name, once it is done."""

    def download():
        playwright.expect(page.get_by_role("status")).to_contain_text("Done", timeout=MINUTES)
        with page.expect_download() as event:
            page.get_by_role("button", name="Download").click()
        event.value.save_as(tmp_path / "downloaded.png")
        return read_image(tmp_path / "downloaded.png"), event.value.suggested_filename

    return download


def choose(page, picture, name="photo.png"):
    content = {"name": name, "mimeType": "image/png", "buffer": encode_image(picture, ".png")}
    page.get_by_label("Choose a photo").set_input_files(content)
    playwright.expect(page.get_by_role("status")).to_contain_text(f"{name}: ")


def assert_controls_have_names(page):
    snapshot = page.locator("body").aria_snapshot()
    assert "radio" in snapshot
    unnamed = r"^\s*- (button|checkbox|img|progressbar|radio|slider)(?! \").*"
    assert not re.findall(unnamed, snapshot, re.MULTILINE)


def restorer(site, preset):
    """Python's, with the page's own file for one size of tile."""
    models = json.loads((site / "site.json").read_text())["models"]
    (model,) = (model for model in models if model["name"] == preset)
    return Restorer(site / model["file"])


def assert_same(received, expected):
    assert received.shape == expected.shape
    assert np.abs(received - expected.astype(int)).max() <= 2


def test_dark_example_is_brightened_as_in_python(page, restored, site):
    page.get_by_role("button", name="Dark café").click()
    playwright.expect(page.get_by_role("radio", name="Brighten a dark photo")).to_be_checked()
    page.get_by_role("button", name="Restore").click()
    picture, name = restored()
    assert name == "coffee_dark_restored.png"
    expected = restorer(site, "mirnet_lowlight_small")(demo_picture("coffee_dark.png"))
    assert_same(picture, expected)


@pytest.mark.parametrize("size", [(97, 131), (203, 229)], ids=["one tile", "four tiles"])
def test_photo_is_enlarged_as_in_python(size, page, restored, site):
    photo = demo_picture("cat.webp")[: size[0], : size[1]]
    choose(page, photo)
    playwright.expect(page.get_by_role("radio", name="Enlarge 2 times")).to_be_checked()
    page.get_by_role("button", name="Restore").click()
    picture, name = restored()
    assert name == "photo_restored.png"
    assert_same(picture, restorer(site, "awsrn_s_x2")(photo))
    if min(size) >= 192:  # else the page mirrors it up to a tile, which Python need not
        assert_same(picture, Restorer("awsrn_s_x2")(photo))


def test_page_is_shut_off_so_that_browsers_give_it_threads(page):
    assert page.evaluate("crossOriginIsolated")


def test_any_server_will_do_with_one_thread(plain_server, page, restored, site):
    assert not page.evaluate("crossOriginIsolated")
    photo = demo_picture("cat.webp")[:50, :40]
    choose(page, photo)
    page.get_by_role("button", name="Restore").click()
    assert_same(restored()[0], restorer(site, "awsrn_s_x2")(photo))


def test_photo_can_be_dropped_and_the_network_cut_off(page, restored, site):
    photos = [demo_picture("cat.webp")[:60, start : start + 70] for start in (0, 80)]
    choose(page, photos[0])
    page.get_by_role("button", name="Restore").click()
    restored()
    page.context.set_offline(True)
    data = page.evaluate_handle(
        """(bytes) => {
            const data = new DataTransfer();
            data.items.add(new File([new Uint8Array(bytes)], "b.png", { type: "image/png" }));
            return data;
        }""",
        list(encode_image(photos[1], ".png")),
    )
    page.dispatch_event("body", "drop", {"dataTransfer": data})
    playwright.expect(page.get_by_role("status")).to_contain_text("b.png: 70 x 60 pixels")
    page.get_by_role("button", name="Restore").click()
    picture, name = restored()
    assert name == "b_restored.png"
    assert_same(picture, restorer(site, "awsrn_s_x2")(photos[1]))


def test_cancelling_stops_at_once_and_leaves_the_page_usable(page, restored, site):
    choose(page, demo_picture("cat.webp"), "large.png")
    page.get_by_role("button", name="Restore").click()
    page.get_by_role("progressbar").wait_for()
    page.get_by_role("button", name="Cancel").click()
    playwright.expect(page.get_by_role("status")).to_have_text("Cancelled.", timeout=5000)
    assert page.get_by_role("progressbar").is_hidden()
    assert page.get_by_role("button", name="Download").is_hidden()
    photo = demo_picture("cat.webp")[:50, :40]
    choose(page, photo)
    page.get_by_role("button", name="Restore").click()
    assert_same(restored()[0], restorer(site, "awsrn_s_x2")(photo))


def test_keyboard_alone_restores_and_compares(page, restored):
    assert_controls_have_names(page)
    page.get_by_role("button", name="Small cat").focus()
    page.keyboard.press("Enter")
    playwright.expect(page.get_by_role("status")).to_contain_text("cat.webp: 312 x 272")
    page.keyboard.press("Tab")
    playwright.expect(page.get_by_role("radio", name="Enlarge 2 times")).to_be_focused()
    page.keyboard.press("ArrowUp")
    playwright.expect(page.get_by_role("radio", name="Brighten a dark photo")).to_be_checked()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    playwright.expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    restored()
    assert_controls_have_names(page)
    slider = page.get_by_role("slider")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext").startswith("51 %")
    page.keyboard.press("End")
    assert slider.get_attribute("aria-valuetext").startswith("100 %")


def test_file_that_is_no_picture_is_said_to_be_none(page):
    content = {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.get_by_label("Choose a photo").set_input_files(content)
    playwright.expect(page.get_by_role("status")).to_contain_text("no picture that the browser")
    assert page.get_by_role("button", name="Restore").is_disabled()


def test_command_serves_the_page_until_it_is_interrupted(site):
    command = [sys.executable, "-m", "mirnet_keras.cli", "demo", "--web", "--out", site.parent]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    address = re.search(r"http://\S+", process.stdout.readline()).group()
    with urllib.request.urlopen(address) as response:
        assert b"<h1>Restore a photo</h1>" in response.read()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.endswith("mirnet-keras: stopped.\n")
