from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from logs import Log

from xds.audit.checkpoint import Signer, new_signing_key, parse_key, read_note, split_notes
from xds.audit.tree import root
from xds.errors import Misconfigured


def test_a_checkpoint_is_a_signed_note_of_c2sp() -> None:
    log = Log().grow(5)
    (note,) = log.notes
    text, _, signature = note.rpartition("\n\n")
    lines = text.split("\n")
    assert lines[:3] == ["xds.example/log", "5", base64.b64encode(root(log.head.edge)).decode()]
    mark, name, encoded = signature.rstrip("\n").split(" ")
    blob = base64.b64decode(encoded)
    assert (mark, name) == ("—", "xds.example/log")
    assert blob[:4] == sha256(b"xds.example/log\n\x01" + log.key.public).digest()[:4]
    Ed25519PublicKey.from_public_bytes(log.key.public).verify(blob[4:], (text + "\n").encode())
    read = read_note(note, log.key)
    assert (read.origin, read.size, read.root, read.time) == ("xds.example/log", 5, root(log.head.edge), log.now)


def test_a_public_key_is_written_as_c2sp_has_it_and_read_back() -> None:
    key = Log().key
    assert parse_key(f"{key}\n") == key
    for wrong in ("", "name", str(key)[:-1], str(key).replace("xds.example", "xdz.example")):
        with pytest.raises(ValueError, match="Ed25519"):
            parse_key(wrong)


def test_every_changed_character_of_a_note_is_noticed() -> None:
    log = Log().grow(3)
    (note,) = log.notes
    for place, character in enumerate(note):
        changed = note[:place] + chr(ord(character) ^ 1) + note[place + 1 :]
        with pytest.raises(ValueError, match=r"\w"):
            read_note(changed, log.key)


def test_signatures_of_others_beside_ours_do_no_harm() -> None:
    log = Log().grow(3)
    (note,) = log.notes
    witness = "— witness.example " + base64.b64encode(bytes(68)).decode() + "\n"
    assert read_note(note + witness, log.key).size == 3
    with pytest.raises(ValueError, match="no signature"):
        read_note(note.rpartition("— ")[0] + witness, log.key)


def test_notes_in_one_text_are_found() -> None:
    log = Log().grow(6, every=2)
    assert list(split_notes("\n".join(log.notes))) == log.notes
    assert list(split_notes(f"{log.notes[0]}rubbish\n")) == [log.notes[0], "rubbish\n"]


def test_a_key_of_another_kind_and_a_bad_name_are_refused() -> None:
    other = generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem in (b"", other):
        with pytest.raises(Misconfigured, match=r"audit\.signing_key"):
            Signer(pem, "xds.example/log")
    with pytest.raises(Misconfigured, match=r"audit\.origin"):
        Signer(new_signing_key(), "a name")
