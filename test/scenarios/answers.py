# Licensed under the Apache License, Version 2.0; see LICENSE.
"""The answers of STANDARDS: what a client must get, to the byte."""

# reason: (status, error, error_description); see src/token/rs_outcome.c
REFUSALS = {
    "ambiguous": (400, "invalid_request", "The request carries more than one access token"),
    "header_malformed": (400, "invalid_request", "The access token in the header field is malformed"),
    "cookie_malformed": (400, "invalid_request", "The access token in the cookie is malformed"),
    "form_malformed": (400, "invalid_request", "The form or the access token in it is malformed"),
    "request_malformed": (400, "invalid_request", "The Authorization header is malformed"),
    "malformed": (401, "invalid_token", "The access token is malformed"),
    "alg": (401, "invalid_token", "The access token is signed with an algorithm that is not accepted"),
    "key": (401, "invalid_token", "The access token is signed with an unknown key"),
    "signature": (401, "invalid_token", "The access token has a wrong signature"),
    "issuer": (401, "invalid_token", "The access token is from an issuer that is not accepted"),
    "audience": (401, "invalid_token", "The access token is for another audience"),
    "expired": (401, "invalid_token", "The access token has expired"),
    "not_yet": (401, "invalid_token", "The access token is not valid yet"),
    "lifetime": (401, "invalid_token", "The access token has no acceptable lifetime"),
    "type": (401, "invalid_token", "The token is not an access token of an accepted type"),
    "claim": (401, "invalid_token", "The access token lacks an acceptable value of a required claim"),
    "bound": (401, "invalid_token", "The access token is bound to a key whose possession cannot be checked here"),
    "inactive": (401, "invalid_token", "The access token is not active"),
    "decryption": (401, "invalid_token", "The access token cannot be decrypted"),
    "nameless": (401, "invalid_token", "The access token names neither a subject nor a client"),
}


def challenge(realm="api", error=None, description=None, scope=None):
    words = [f'realm="{realm}"']
    for name, value in (("error", error), ("error_description", description), ("scope", scope)):
        if value is not None:
            words.append(f'{name}="{value}"')
    return "Bearer " + ", ".join(words)


def _uncacheable(answer):
    assert answer.get("Cache-Control") == "no-store", answer
    fields = [word.strip().lower() for value in answer.all("Vary") for word in value.split(",")]
    assert "authorization" in fields, answer


def granted(answer):
    assert answer.status == 200, answer
    assert answer.all("WWW-Authenticate") == [], answer
    return answer


def absent(answer, scope=None, realm="api"):
    """401 without an error: nothing was presented."""
    assert answer.status == 401, answer
    assert answer.challenge == challenge(realm, scope=scope), answer
    _uncacheable(answer)
    return answer


def refused(answer, reason, realm="api"):
    status, error, description = REFUSALS[reason]
    assert answer.status == status, answer
    assert answer.challenge == challenge(realm, error, description), answer
    _uncacheable(answer)
    return answer


def insufficient(answer, scope, realm="api"):
    assert answer.status == 403, answer
    assert answer.challenge == challenge(realm, "insufficient_scope", "The access token lacks a required scope", scope), \
        answer
    _uncacheable(answer)
    return answer


def denied(answer):
    """403 that no scope would change."""
    assert answer.status == 403, answer
    assert answer.all("WWW-Authenticate") == [] or "insufficient_scope" not in answer.challenge, answer
    _uncacheable(answer)
    return answer


def undecided(answer, seconds=60):
    """503: we could not find out; in at most so many seconds asking again makes sense."""
    assert answer.status == 503, answer
    assert answer.all("WWW-Authenticate") == [], answer
    assert 1 <= int(answer.get("Retry-After")) <= seconds, answer
    _uncacheable(answer)
    return answer


def plain(answer):
    """403 without a challenge: no token may travel here."""
    assert answer.status == 403, answer
    assert answer.all("WWW-Authenticate") == [], answer
    return answer
