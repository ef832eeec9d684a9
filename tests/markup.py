"""A report's page, read as a browser reads it: what is in it, in which order, and whether every tag is closed."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "img", "br", "wbr", "hr", "link", "input"}


class Markup(HTMLParser):
    """Raises AssertionError at a tag that is closed wrongly, or never."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.cells: list[str] = []  # of tables, first letters to last
        self.before_first_picture = ""
        self.feed(page)
        self.close()
        assert not self.open, f"never closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "img" and not self.before_first_picture:
            self.before_first_picture = self.text
        if tag in ("td", "th"):
            self.cells.append("")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open[-1] == tag, f"</{tag}> closes <{self.open[-1]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.words.append(data)
        if {"td", "th"} & set(self.open):
            self.cells[-1] += data

    @property
    def text(self) -> str:
        """All words, with the gaps between them closed to one space."""
        return " ".join("".join(self.words).split())


def assert_needs_nothing(page: str) -> Markup:
    """The page is whole, runs nothing, and names no address; returns what is in it."""
    markup = Markup(page)
    assert "://" not in page
    assert page.count("url(") == page.count("url(#") and "@import" not in page
    for tag, attributes in markup.tags:
        assert tag not in ("script", "link", "iframe", "object", "embed", "base"), tag
        for name, value in attributes.items():
            assert not name.startswith("on"), f"{name} of {tag}"
            if name in ("src", "href", "xlink:href"):
                assert (value or "").startswith(("data:image/", "#")), f"{name} of {tag}: {(value or '')[:40]}"
    return markup
