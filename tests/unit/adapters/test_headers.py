"""What a request says in headers."""

import pytest

from tai_state.adapters.headers import BadHeaderError, etag_of, expected_version_of, idempotency_key_of


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (None, None),
        ("payment-991", "payment-991"),
        ('"payment-991"', "payment-991"),
        (' "a key"\t', "a key"),
        (r'"say \"a\\b\""', r'say "a\b"'),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("k" * 255, "k" * 255),
    ],
)
def test_an_idempotency_key(header, key):
    """As a string of structured fields, or bare, which is the same key."""
    assert idempotency_key_of(header) == key


@pytest.mark.parametrize("header", ["", '""', '"open', "two words", "a,b\n", "ä", "k" * 256, '"a" "b"', r'"\x"'])
def test_what_is_no_idempotency_key_is_refused(header):
    """With an answer, and nothing is done without a key that was meant."""
    with pytest.raises(BadHeaderError) as refused:
        idempotency_key_of(header)
    assert refused.value.problem.status == 400


@pytest.mark.parametrize(("header", "version"), [(None, None), ("*", None), ('"3"', 3), (' "12" ', 12), ('"0"', 0)])
def test_the_expected_version(header, version):
    """It is the tag that an answer gave."""
    assert expected_version_of(header) == version


def test_a_tag_comes_back_as_its_version():
    """Whatever version it is."""
    assert expected_version_of(etag_of(2**62)) == 2**62


@pytest.mark.parametrize("header", ["", "3", '"1", "2"', '"', "W/3"])
def test_what_is_no_entity_tag_is_refused(header):
    """A list of several too, since a change expects one version."""
    with pytest.raises(BadHeaderError) as refused:
        expected_version_of(header)
    assert refused.value.problem.status == 400


@pytest.mark.parametrize("header", ['W/"3"', '"three"', '"-1"', '"03"', '""', f'"{10**19}"'])
def test_a_tag_that_no_version_has_is_a_failed_precondition(header):
    """If-Match compares strongly, so a weak one never fits."""
    with pytest.raises(BadHeaderError) as refused:
        expected_version_of(header)
    assert refused.value.problem.status == 412
