"""Who may talk to the server: the person who holds the token, from a page of this server.

Three checks before any page, image or websocket:

* **Host**: a name that this machine has. A foreign name in ``Host`` means that somebody's web site had its own name
  resolved to this machine (DNS rebinding).
* **Origin**: a request that changes something, and every websocket, comes from a page of this server.
* **Token**: in the URL once, from then on in a cookie that scripts cannot read and other sites cannot send. A browser
  that is opened by the server gets a URL that counts once: every user of the machine may read what a program was called
  with.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import ipaddress
import re
import secrets
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TOKEN_KEY = "token"
_READ_ONLY = {"GET", "HEAD"}
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_YEAR_S = 365 * 24 * 3600
_KEPT = "HttpOnly; SameSite=Strict"
_OURS = re.compile(r"dlc-[0-9a-f]{12}")
_OTHERS_KEPT = 7  # every start has a cookie of its own, which all servers of this machine are sent

_DENIED = """<!doctype html><html lang="en"><meta charset="utf-8"><title>dlc: token needed</title>
<body style="font:16px/1.5 system-ui,sans-serif;background:#12151c;color:#e8eaf0;max-width:34rem;margin:15vh auto">
<h1 style="font-size:1.4rem">This address needs its token</h1>
<p>Open the address that <code>dlc gui</code> printed in the terminal; it ends with <code>?token=&hellip;</code> and
changes with every start. Edits that this browser could not save are kept and sent when it is open again.</p>
<form method="get"><label>Or paste the token: <input name="token" autofocus autocomplete="off"
style="font:inherit;padding:.3em;width:16rem"></label>
<button style="font:inherit;padding:.3em 1em">Open</button></form>
</body></html>"""


def new_token() -> str:
    """Return 256 random bits as text for a URL."""
    return secrets.token_urlsafe(32)


def own_names(host: str) -> frozenset[str]:
    """Return the names under which browsers may ask for a server that listens on `host`.

    The loopback names always (an ssh tunnel ends there); the machine's own names too when it listens to others.
    """
    names = set(_LOOPBACK) | {host.strip("[]").lower()}
    if not is_loopback(host):
        names |= {socket.gethostname().lower(), socket.getfqdn().lower()}
    return frozenset(names)


def is_loopback(host: str) -> bool:
    """Tell whether only this machine can reach a server on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Guard:
    """An ASGI application that lets through to another one only who may talk to it.

    Parameters
    ----------
    app : ASGI application
    token : str
        What the person must know.
    names : iterable of str
        Names of this machine (`own_names`).
    any_address : bool
        Whether an IP address is a name of this machine, too: for a server that listens to other machines, whose own
        addresses it cannot list. An address cannot be rebound, so this opens nothing to other web sites.
    once : str
        Stands for the token in one request; "" for none.
    """

    def __init__(self, app: App, token: str, names: Iterable[str], any_address: bool = False, once: str = "") -> None:
        self.app = app
        self._token = token.encode()
        self._once = once.encode()
        self._names = frozenset(names)
        self._any_address = any_address
        self.cookie = f"dlc-{hashlib.sha256(self._token).hexdigest()[:12]}"  # two servers, two cookies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or hand it on."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        reason = self._refusal(scope, headers)
        given = dict(parse_qsl(scope.get("query_string", b"").decode("latin-1"))).get(TOKEN_KEY)
        if reason:
            await _refuse(scope, receive, send, 403, f"{reason}\n".encode(), "text/plain; charset=utf-8")
        elif given is not None and scope["type"] == "http" and (self._is_token(given) or self._is_once(given)):
            await self._remember(scope, headers, send)
        elif not self._is_token(self._cookie_value(headers)):
            await _refuse(scope, receive, send, 403, _DENIED.encode(), "text/html; charset=utf-8")
        else:
            await self.app(scope, receive, _with_headers(send, headers.get("host", "")))

    def _refusal(self, scope: Scope, headers: dict[str, str]) -> str:
        host = headers.get("host", "")
        if not self._is_own(host):
            return f"Host is {html.escape(host)!r}, which is no name of this machine; open the printed address."
        origin = headers.get("origin")
        changes = scope["type"] == "websocket" or scope["method"] not in _READ_ONLY
        if origin is None and changes:
            return "a request that changes something must name its Origin; use the pages of this server."
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return f"the request comes from {html.escape(origin)!r}, not from a page of this server."
        if headers.get("sec-fetch-site") == "cross-site" and headers.get("sec-fetch-mode") != "navigate":
            return "the request comes from another web site."
        return ""

    def _is_own(self, host: str) -> bool:
        try:
            name = urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        if name is None:
            return False
        if name in self._names:
            return True
        try:
            return self._any_address and bool(ipaddress.ip_address(name))
        except ValueError:
            return False

    def _is_token(self, text: str) -> bool:
        return hmac.compare_digest(text.encode(), self._token)

    def _is_once(self, text: str) -> bool:
        counts = bool(self._once) and hmac.compare_digest(text.encode(), self._once)
        if counts:
            self._once = b""
        return counts

    def _cookie_value(self, headers: dict[str, str]) -> str:
        return _cookies(headers).get(self.cookie, "")

    async def _remember(self, scope: Scope, headers: dict[str, str], send: Send) -> None:
        """Set the cookie and send the browser to the same address without the token, which history must not keep."""
        pairs = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        query = urlencode([pair for pair in pairs if pair[0] != TOKEN_KEY])
        place = "/" + scope.get("raw_path", scope["path"].encode()).decode("latin-1").lstrip("/\\")
        known = [name for name in _cookies(headers) if _OURS.fullmatch(name) and name != self.cookie]
        removed = [f"{name}=; Path=/; Max-Age=0" for name in known[:-_OTHERS_KEPT]]  # browsers send the oldest first
        cookies = [f"{self.cookie}={self._token.decode()}; Path=/; {_KEPT}; Max-Age={_YEAR_S}", *removed]
        answer = [
            (b"location", (f"{place}?{query}" if query else place).encode("latin-1")),
            *((b"set-cookie", cookie.encode("latin-1")) for cookie in cookies),
            (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-store"),
            (b"content-length", b"0"),
        ]
        await send({"type": "http.response.start", "status": 303, "headers": answer})
        await send({"type": "http.response.body", "body": b""})


def _cookies(headers: dict[str, str]) -> dict[str, str]:
    """Return the cookies by name; `http.cookies` would stop at one of another program that it finds odd."""
    pairs = (text.strip().partition("=") for text in headers.get("cookie", "").split(";"))
    return {name: value for name, _, value in pairs}


def _with_headers(send: Send, host: str) -> Send:
    """Return `send` that adds what keeps a page to itself: no frames, no referrer, nothing from elsewhere."""
    policy = (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        f"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws://{host} wss://{host}; "
        "frame-ancestors 'none'; form-action 'self'; base-uri 'self'"
    )
    added = [
        (b"content-security-policy", policy.encode("latin-1")),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
        (b"cross-origin-resource-policy", b"same-origin"),
    ]

    async def wrapped(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message.get("headers", []), *added]
        await send(message)

    return wrapped


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int, body: bytes, kind: str) -> None:
    if scope["type"] == "websocket":
        await receive()  # the opening of the connection
        await send({"type": "websocket.close", "code": 1008})
        return
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"x-content-type-options", b"nosniff"),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})
