"""A page as a browser's parser reads it, Markdown as a forge does."""

from __future__ import annotations

from collections import Counter
from html.parser import HTMLParser

from markdown_it import MarkdownIt


class Page(HTMLParser):
    """Tags with their attributes, and whether they nest."""

    VOID = ("meta", "img", "br", "hr", "link", "input", "source")

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.style = [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data


class Forge:
    """Markdown as a forge reads it: CommonMark with tables, strikethrough and raw HTML."""

    def __init__(self, text):
        self.tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
        self.kinds = Counter()
        for token in self.tokens:
            self.kinds.update([token.type, *(child.type for child in token.children or ())])
        self.paragraphs = [self.words(t) for t in self.tokens if t.type == "inline"]
        self.rows = [[self.words(c) for c in row] for row in self._rows()]

    @staticmethod
    def words(inline):
        return "".join(t.content for t in inline.children if t.type in ("text", "code_inline", "text_special"))

    def _rows(self):
        row = []
        for token in self.tokens:
            if token.type == "tr_open":
                row = []
            elif token.type == "inline" and token.level >= 4:
                row.append(token)
            elif token.type == "tr_close":
                yield row

    def images(self):
        return [t for token in self.tokens for t in token.children or () if t.type == "image"]
