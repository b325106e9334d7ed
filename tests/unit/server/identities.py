"""An issuer of identity tokens, with keys of its own."""

import base64
import json
from datetime import UTC, datetime, timedelta

AUDIENCE = "https://server.example"
ISSUER = "https://accounts.google.com"


class Issuer:
    """Signs tokens, and gives its certificates out.

    Attributes:
        fetched: How often it was asked for them.
        now: The time at which its tokens are made.
    """

    def __init__(self):
        # As in world.py: other tests need not wait for it.
        from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

        self._keys = {name: rsa.generate_private_key(65_537, 2_048) for name in ("known", "other")}
        self.now = datetime.now(UTC)
        self.fetched = 0

    def fetch(self, _url):
        """Return the public part of the one key that it owns to."""
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - as above

        self.fetched += 1
        public = self._keys["known"].public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return {"known": public.public_bytes(serialization.Encoding.PEM, form).decode()}, 3_600.0

    def token(self, *, key="known", algorithm="RS256", signature=None, exp=3_600, iat=0, **claims):
        """Return a token; *exp* and *iat* are seconds from now on."""
        from cryptography.hazmat.primitives import hashes  # noqa: PLC0415 - as above
        from cryptography.hazmat.primitives.asymmetric import padding  # noqa: PLC0415

        made = {"iat": self._at(iat), "exp": self._at(exp), "aud": AUDIENCE, "iss": ISSUER, "email_verified": True}
        parts = [{"alg": algorithm, "kid": key, "typ": "JWT"}, {**made, **claims}]
        text = ".".join(_encoded(json.dumps(part).encode()) for part in parts)
        signed = self._keys[key].sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{text}.{_encoded(signature.encode() if signature else signed)}"

    def _at(self, seconds):
        return int((self.now + timedelta(seconds=seconds)).timestamp())


def _encoded(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
