"""Who asks, and what he may do.

A request brings a bearer token, an identity token that an issuer signed, or the cookie of a session. Each leads to a
``Principal``: a name, which is the author of all that he changes, an access, and what he may reach. Without one
nothing is served but ``/health/*`` and the page for logging in.

- Tokens are known by their SHA-256 alone and compared in constant time; a token is 256 random bits, so that its hash
  needs no salt and no work factor.
- A session begins with a code that works once, or with a token; what it changes needs its CSRF token, too.
- Who brings a wrong token is told no more than that; one address may do so only so often in a minute.
"""
