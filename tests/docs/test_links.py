import pkgutil
import re

LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`[^`\n]*`")


def slug(heading: str) -> str:
    """The anchor that MkDocs and GitHub make of a heading."""
    return re.sub(r"\s+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def anchors(path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {slug(heading) for heading in headings}


def test_links_lead_somewhere(page):
    for link in LINK.findall(CODE.sub("", page.prose)):
        if link.startswith(("http:", "https:")):
            continue
        name, _, anchor = link.partition("#")
        target = page.path.parent / name if name else page.path
        assert target.exists(), f"{link}: there is no {target}"
        if anchor.startswith("mirnet_keras."):  # made of a docstring
            assert pkgutil.resolve_name(anchor)
            assert f"::: {anchor.rpartition('.')[0]}\n" in target.read_text()
        elif anchor:
            assert anchor in anchors(target), f"{link}: {target.name} has no such heading"


def test_every_page_is_in_the_navigation(root):
    navigation = (root / "mkdocs.yml").read_text().partition("\nnav:")[2]
    pages = [*(root / "docs").rglob("*.md"), *(root / "docs" / "notebooks").glob("*.ipynb")]
    missing = [str(page.relative_to(root / "docs")) for page in pages]
    assert [name for name in missing if name not in navigation] == []
