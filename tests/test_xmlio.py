"""What the parser accepts and refuses, and that it says so without quoting."""

from __future__ import annotations

import time

import pytest

from xds.xmlio import MAX_ATTRIBUTES, MAX_ELEMENTS, MAX_NAMESPACES, Malformed, parse

DTD = '<!DOCTYPE a [<!ENTITY e "SECRET">]>'


def test_text_is_whole_without_comments_instructions_and_cdata() -> None:
    root = parse(b"\xef\xbb\xbf<?xml version='1.0' encoding='UTF-8'?><a>p<!-- c -->q<?i x?>r<![CDATA[<s>]]>&amp;</a>")
    assert root.text == "pqr<s>&" and len(root) == 0


@pytest.mark.parametrize("encoding", ["UTF-8", "utf-8", "US-ASCII"])
def test_declared_encodings_that_are_utf_8(encoding: str) -> None:
    assert parse(f"<?xml version='1.0' encoding='{encoding}'?><a/>".encode()).tag == "a"


def test_a_submission_of_1000_entries_passes() -> None:
    slot = b'<s:Slot name="n%d"><s:ValueList><s:Value>some value of it</s:Value></s:ValueList></s:Slot>'
    coded = b'<s:Classification classificationScheme="u" classifiedObject="d" nodeRepresentation="c" id="i">'
    coded += slot % 0 + b'<s:Name><s:LocalizedString value="v" xml:lang="nl"/></s:Name></s:Classification>'
    entry = b'<s:ExtrinsicObject xmlns:s="urn:s" id="d">' + b"".join(slot % n for n in range(11)) + coded * 10
    entry += b"<!-- %s -->" % (b"x" * 7000) + b"</s:ExtrinsicObject>"
    message = b"<r>" + entry * 1000 + b"</r>"
    assert len(message) > 10_000_000
    assert len(parse(message)) == 1000


REFUSED = {
    "empty": b"",
    "white": b" \n",
    "text": b"SECRET",
    "truncated": b"<a><SECRET>",
    "mismatch": b"<SECRET></b>",
    "two roots": b"<SECRET/><SECRET/>",
    "doctype": (DTD + "<a>&e;</a>").encode(),
    "doctype after a comment": ("<?xml version='1.0'?><!-- x -->" + DTD + "<a>&e;</a>").encode(),
    "external entity": b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    "undeclared entity": b"<a>&SECRET;</a>",
    "undeclared prefix": b"<SECRET:a/>",
    "NUL": b"<a>SECRET\0</a>",
    "control character": b"<a>SECRET\x01</a>",
    "control character by reference": b"<a>SECRET&#1;</a>",
    "no UTF-8": b"<a>SECRET\xff</a>",
    "UTF-16": "<a>SECRET</a>".encode("utf-16"),
    "UTF-16 big-endian without mark": "<?xml version='1.0' encoding='UTF-16'?><a>SECRET</a>".encode("utf-16-be"),
    "UTF-7 declared": b"<?xml version='1.0' encoding='UTF-7'?><a>+ADw-SECRET</a>",
    "Latin-1 declared": b"<?xml version='1.0' encoding='ISO-8859-1'?><a>SECRET\xe9</a>",
    "unknown encoding": b"<?xml version='1.0' encoding='SECRET'?><a/>",
    "deep": b"<a>" * 100_000 + b"</a>" * 100_000,
    "long text": b"<a>" + b"x" * 11_000_000 + b"</a>",
    "long attribute": b'<a b="' + b"x" * 11_000_000 + b'"/>',
    "elements": b"<a>" + b"<a/>" * MAX_ELEMENTS + b"</a>",
    "a million elements": b"<a>" + b"<a/>" * 1_000_000 + b"</a>",
    "attributes": b"<a>" + b'<a b="" c=""/>' * (MAX_ATTRIBUTES // 2 + 1) + b"</a>",
    "attributes of one": b"<a " + b" ".join(b'a%d=""' % n for n in range(300)) + b"/>",
    "100,000 attributes of one": b"<a " + b" ".join(b'a%d=""' % n for n in range(100_000)) + b"/>",
    "namespaces": b"<a " + b" ".join(b'xmlns:a%d="u"' % n for n in range(MAX_NAMESPACES + 1)) + b"/>",
}


@pytest.mark.parametrize("message", REFUSED.values(), ids=REFUSED.keys())
def test_refused_soon_and_without_content(message: bytes) -> None:
    began = time.process_time()
    with pytest.raises(Malformed) as caught:
        parse(message)
    assert time.process_time() - began < 1
    error = caught.value
    assert "SECRET" not in str(error)
    assert error.__cause__ is None and error.__context__ is None, "the parser's own error quotes the message"


@pytest.mark.parametrize(
    "message", [b"<a>\n\n\0</a>", b"<a>\n\n\x02</a>", b"<a>\n\n<b c=d/></a>", b"\n\n<!DOCTYPE a><a/>"]
)
def test_names_the_line(message: bytes) -> None:
    with pytest.raises(Malformed, match="line 3"):
        parse(message)


def test_size_limit() -> None:
    assert parse(b"<aa/>", max_bytes=5).tag == "aa"
    with pytest.raises(Malformed, match="larger than 5 bytes"):
        parse(b"<aaa/>", max_bytes=5)


def test_nothing_is_included_or_fetched() -> None:
    include = b'<i:include xmlns:i="http://www.w3.org/2001/XInclude" href="/etc/passwd" parse="text"/>'
    root = parse(b"<?xml version='1.0'?><?xml-stylesheet href='http://127.0.0.1:9/'?><a>" + include + b"</a>")
    assert root[0].get("href") == "/etc/passwd" and root[0].text is None
