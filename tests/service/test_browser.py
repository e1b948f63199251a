"""The page of the service in Chromium: what visitors download is what the command writes."""

import shutil
import threading
import time
import urllib.request

import numpy as np
import pytest
import uvicorn

from mirnet_keras.demo import demo_picture
from mirnet_keras.images import encode_image
from mirnet_keras.restorer import Restorer
from mirnet_keras.service import Limits, create_app

playwright = pytest.importorskip("playwright.sync_api", reason="needs the extra [browser]")
CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium"),
]
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
MINUTES = 5 * 60_000  # milliseconds: the machine may be busy


@pytest.fixture(scope="module")
def address():
    """A service with room for one picture."""
    config = uvicorn.Config(create_app(limits=Limits(waiting=1)), port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(address):
    """The page, open; all that it asked for by the end came from the service."""
    asked, faults = [], []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_context().new_page()
        page.set_default_timeout(MINUTES)
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda fault: faults.append(fault))
        page.goto(address)
        page.get_by_role("radio").first.wait_for()
        yield page
        browser.close()
    assert not [url for url in asked if not url.startswith((address, f"blob:{address}", "data:"))]
    assert not faults


def choose(page, content, name="photo.png"):
    file = {"name": name, "mimeType": "", "buffer": content}
    page.get_by_label("Choose a photo").set_input_files(file)
    playwright.expect(page.get_by_role("status")).to_contain_text(f"{name}: ")


def restore(page):
    page.get_by_role("button", name="Restore").click()


def status_is(page, text):
    playwright.expect(page.get_by_role("status")).to_contain_text(text, timeout=MINUTES)


def wait_until_empty(address):
    for _ in range(100):
        with urllib.request.urlopen(f"{address}metrics") as metrics:
            if b"mirnet_waiting 0.0" in metrics.read():
                return
        time.sleep(0.1)
    raise AssertionError("The place was not given free.")


def shown(page):
    """What the page shows, (height, width, 3)."""
    values = page.evaluate("""() => {
        const canvas = document.getElementById("after");
        const { width, height } = canvas;
        const { data } = canvas.getContext("2d").getImageData(0, 0, width, height);
        return [height, width, ...data];
    }""")
    return np.array(values[2:]).reshape(*values[:2], 4)[..., :3]


@pytest.mark.parametrize("deep", [False, True], ids=["8 bits", "16 bits"])
def test_the_download_is_the_file_that_python_writes(deep, page, tmp_path):
    assert "sent there" in page.locator("header").inner_text()
    photo = demo_picture("cat.webp")[:60, :70]
    content = encode_image(photo.astype(np.uint16) * 257 if deep else photo, ".png")
    choose(page, content)
    playwright.expect(page.get_by_role("radio", name="awsrn_s_x2")).to_be_checked()
    restore(page)
    status_is(page, "Done: 140 x 120 pixels")
    with page.expect_download() as event:
        page.get_by_role("button", name="Download").click()
    assert event.value.suggested_filename == "photo_restored.png"
    event.value.save_as(tmp_path / "downloaded.png")
    (tmp_path / "photo.png").write_bytes(content)
    restorer = Restorer("awsrn_s_x2")
    restorer.restore_file(tmp_path / "photo.png", tmp_path / "expected.png")
    expected = (tmp_path / "expected.png").read_bytes()
    assert (tmp_path / "downloaded.png").read_bytes() == expected
    assert np.abs(shown(page) - restorer(photo).astype(int)).max() <= 2


def test_cancelling_gives_the_place_free_and_a_full_house_is_said(page, monkeypatch):
    release, entered = threading.Event(), threading.Event()
    original = Restorer.__call__

    def slow(self, image, **options):
        entered.set()
        assert release.wait(60)
        return original(self, image, **options)

    monkeypatch.setattr(Restorer, "__call__", slow)
    choose(page, encode_image(demo_picture("cat.webp")[:50, :40], ".png"))
    restore(page)
    assert entered.wait(60)
    assert page.get_by_role("progressbar").get_attribute("value") is None  # nobody knows how far
    second = page.context.new_page()
    second.goto(page.url)
    choose(second, encode_image(demo_picture("cat.webp")[:50, :40], ".png"))
    restore(second)
    status_is(second, "1 pictures are waiting already. Try again in")
    page.get_by_role("button", name="Cancel").click()
    status_is(page, "Cancelled.")
    wait_until_empty(page.url)
    assert page.get_by_role("button", name="Download").is_hidden()
    release.set()
    restore(second)
    status_is(second, "Done: 80 x 100 pixels")
