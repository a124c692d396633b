"""The optional key: with SPACE_API_KEY set, a caller must send it as `Authorization: Bearer <key>`."""

import hmac

REFUSAL = "This Space needs its API key. Send it as the header Authorization: Bearer <key>."


def allowed(api_key: str, authorization: str | None) -> bool:
    """Compares in constant time, so that the answer's timing tells nothing about the key."""
    if not api_key:
        return True
    scheme, _, given = (authorization or "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), api_key.encode())
