"""Who may ask: anybody on this machine, else who has the token."""

import hmac
from http import HTTPStatus
from ipaddress import ip_address

from aiohttp import web

from app.errors import SettingsError
from app.settings import Settings
from app.view.problems import Problem

#: What shows no state needs no token: probes, and the page, which asks for it.
_OPEN = ("/healthz/", "/page/")
_OPEN_PATHS = frozenset({"/", "/openapi.json"})


def is_loopback(host: str) -> bool:
    """Say whether an address to listen on can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def require_safe(settings: Settings, *, insecure: bool) -> None:
    """Refuse to serve others without a token, unless that is wanted. Raises ``SettingsError``."""
    if insecure or settings.api_token is not None or is_loopback(settings.view_host):
        return
    raise SettingsError(
        f"STREAKLINE_VIEW_HOST={settings.view_host} can be reached from other machines: "
        "set STREAKLINE_API_TOKEN, or say --insecure if something in front of it asks who is there"
    )


class Guard:
    """Checks requests."""

    def __init__(self, token: str | None, host: str) -> None:
        self._token = token.encode() if token is not None else None
        self._only_local = token is None and is_loopback(host)

    @property
    def needs_token(self) -> bool:
        """Whether a token is asked for."""
        return self._token is not None

    def check(self, request: web.Request) -> None:
        """Raise ``Problem`` for a request that is not to be answered."""
        if self._only_local and not is_loopback(_host(request)):
            # A page of another site whose name was made to point here must not read anything.
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, "ask for localhost, or set STREAKLINE_API_TOKEN")
        if self._token is None or request.path in _OPEN_PATHS or request.path.startswith(_OPEN):
            return
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._token)
        if scheme.lower() != "bearer" or not right:
            raise Problem(
                HTTPStatus.UNAUTHORIZED, "the bearer token is missing or wrong", WWW_Authenticate="Bearer"
            )


def _host(request: web.Request) -> str:
    host = request.host
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
