"""Ring, binding and refusal of FieldCipher."""

import pytest
from cryptography.fernet import Fernet

from infrastructure.crypto import DecryptionError, FieldCipher, WeakKeyError

OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.mark.parametrize("plain", ["", "+49 30 1234", "ж" * 300, "a\x1fb", "tail:1"])
def test_a_value_decrypts_in_its_context(plain):
    cipher = FieldCipher([NEW])
    sealed = cipher.encrypt(plain, "users.phone:1")
    assert plain == "" or plain not in sealed
    assert cipher.decrypt(sealed, "users.phone:1") == plain


def test_the_same_text_never_gives_the_same_ciphertext():
    cipher = FieldCipher([NEW])
    assert cipher.encrypt("x", "t.c:1") != cipher.encrypt("x", "t.c:1")


@pytest.mark.parametrize("context", ["users.phone:2", "users.fax:1", "users.phone:", "users.phone:11", ""])
def test_a_value_that_was_moved_does_not_decrypt(context):
    cipher = FieldCipher([NEW])
    with pytest.raises(DecryptionError, match="another context"):
        cipher.decrypt(cipher.encrypt("x", "users.phone:1"), context)


@pytest.mark.parametrize("stored", ["", "+49 30 1234", "gAAAAA", "x" * 200, "é"])
def test_plain_text_is_not_returned(stored):
    with pytest.raises(DecryptionError, match="any key"):
        FieldCipher([NEW]).decrypt(stored, "t.c:1")


def test_a_changed_bit_is_noticed():
    cipher = FieldCipher([NEW])
    sealed = cipher.encrypt("x", "t.c:1")
    flipped = sealed[:30] + ("A" if sealed[30] != "A" else "B") + sealed[31:]
    with pytest.raises(DecryptionError):
        cipher.decrypt(flipped, "t.c:1")


def test_rotation_moves_a_value_to_the_first_key():
    before = FieldCipher([OLD]).encrypt("x", "t.c:1")
    ring = FieldCipher([NEW, OLD])
    assert ring.decrypt(before, "t.c:1") == "x"
    assert ring.is_current(before, "t.c:1") is False
    after = ring.rotate(before, "t.c:1")
    assert ring.is_current(after, "t.c:1") is True
    assert FieldCipher([NEW]).decrypt(after, "t.c:1") == "x"
    with pytest.raises(DecryptionError):
        FieldCipher([NEW]).is_current(before, "t.c:1")
    with pytest.raises(DecryptionError):
        ring.is_current(after, "t.c:2")


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([], "no encryption key"),
        (["short"], "key 1 is not 32 bytes"),
        ([NEW, "é" * 44], "key 2 is not 32 bytes"),
        ([NEW[:-4]], "key 1 is not 32 bytes"),
        (["A" * 43 + "="], "key 1 is not random"),
        (["YWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWJhYmFiYWI="], "key 1 is not random"),
        ([NEW, NEW], "listed twice"),
    ],
)
def test_weak_keys_are_refused(keys, message):
    with pytest.raises(WeakKeyError, match=message):
        FieldCipher(keys)
