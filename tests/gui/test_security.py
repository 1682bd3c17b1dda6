"""Who gets through to the server, tried with requests as browsers and attackers send them."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("nicegui", reason="the extra [gui] is not installed")

from dlc_core.gui.security import Guard, is_loopback, new_token, own_names

TOKEN = "T" * 43
HOST = "127.0.0.1:8088"


async def inner(scope, receive, send):
    """Say which page was reached."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        return
    body = scope["path"].encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


def ask(guard, path="/label", query="", method="GET", kind="http", **headers):
    """Return (status, headers, body) of a request; for a websocket the type of the first message."""
    sent = []

    async def receive():
        return {"type": "websocket.connect"} if kind == "websocket" else {"type": "http.request", "body": b""}

    async def send(message):
        sent.append(message)

    named = {"host": HOST, **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": kind, "path": path, "raw_path": path.encode(), "query_string": query.encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named.items()],
    }  # fmt: skip
    if kind == "http":
        scope["method"] = method
    asyncio.run(guard(scope, receive, send))
    if kind == "websocket":
        return sent[0]["type"]
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], found, sent[1]["body"].decode()


@pytest.fixture
def guard() -> Guard:
    return Guard(inner, TOKEN, own_names("127.0.0.1"))


@pytest.fixture
def cookie(guard: Guard) -> str:
    return f"{guard.cookie}={TOKEN}"


def test_without_the_token_nothing_is_shown_but_how_to_get_in(guard):
    status, _, body = ask(guard)
    assert status == 403
    assert "dlc gui" in body
    assert TOKEN not in body


def test_the_token_in_the_address_becomes_a_cookie_and_leaves_the_address(guard):
    status, headers, _ = ask(guard, query=f"folder=a%20b&token={TOKEN}")
    assert status == 303
    assert headers["location"] == "/label?folder=a+b"
    name, _, rest = headers["set-cookie"].partition("=")
    assert name == guard.cookie
    assert rest.startswith(TOKEN)
    assert "HttpOnly" in rest
    assert "SameSite=Strict" in rest


def test_the_redirect_never_leaves_this_server(guard):
    for path in ("//evil.example/label", "/\\evil.example", "///x"):
        location = ask(guard, path=path, query=f"token={TOKEN}")[1]["location"]
        assert location.startswith("/")
        assert not location.startswith(("//", "/\\"))


def test_with_the_cookie_the_page_is_shown_and_may_not_load_anything_from_elsewhere(guard, cookie):
    status, headers, body = ask(guard, cookie=cookie)
    assert (status, body) == (200, "/label")
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize("wrong", ["", "x", TOKEN[:-1], TOKEN + "T", "ß" * 43])
def test_a_wrong_token_is_refused_in_the_address_and_in_the_cookie(guard, wrong):
    from urllib.parse import quote

    assert ask(guard, query=f"token={quote(wrong)}")[0] == 403
    assert ask(guard, cookie=f"{guard.cookie}={quote(wrong)}")[0] == 403


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8088", "127.0.0.1.evil.example", "", "[", "10.0.0.7"])
def test_a_foreign_host_name_is_refused_even_with_the_token(guard, cookie, host):
    assert ask(guard, cookie=cookie, host=host)[0] == 403


@pytest.mark.parametrize("host", ["localhost:9999", "127.0.0.1", "[::1]:8088"])
def test_every_loopback_name_and_the_other_end_of_a_tunnel_are_accepted(guard, cookie, host):
    assert ask(guard, cookie=cookie, host=host)[0] == 200


def test_a_change_must_come_from_a_page_of_this_server(guard, cookie):
    own = {"cookie": cookie, "method": "POST"}
    assert ask(guard, **own, origin=f"http://{HOST}")[0] == 200
    assert ask(guard, **own)[0] == 403
    for origin in ("http://evil.example", "null", "http://127.0.0.1:1", "http://localhost:8088"):
        assert ask(guard, **own, origin=origin)[0] == 403


def test_a_websocket_needs_cookie_and_origin(guard, cookie):
    assert ask(guard, kind="websocket", cookie=cookie, origin=f"http://{HOST}") == "websocket.accept"
    assert ask(guard, kind="websocket", cookie=cookie) == "websocket.close"
    assert ask(guard, kind="websocket", cookie=cookie, origin="http://evil.example") == "websocket.close"
    assert ask(guard, kind="websocket", origin=f"http://{HOST}") == "websocket.close"
    assert ask(guard, kind="websocket", query=f"token={TOKEN}", origin=f"http://{HOST}") == "websocket.close"


def test_images_may_not_be_embedded_by_other_sites_but_links_may_lead_here(guard, cookie):
    assert ask(guard, cookie=cookie, sec_fetch_site="cross-site", sec_fetch_mode="no-cors")[0] == 403
    assert ask(guard, cookie=cookie, sec_fetch_site="cross-site", sec_fetch_mode="navigate")[0] == 200


def test_a_server_for_others_answers_to_its_addresses_and_names_only(cookie):
    guard = Guard(inner, TOKEN, own_names("0.0.0.0"), any_address=True)
    assert ask(guard, cookie=cookie, host="192.168.1.7:8088")[0] == 200
    assert ask(guard, cookie=cookie, host="evil.example:8088")[0] == 403


def test_tokens_differ_and_are_long():
    tokens = {new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert min(map(len, tokens)) >= 43


def test_only_the_machine_itself_counts_as_loopback():
    assert all(map(is_loopback, ("127.0.0.1", "localhost", "::1", "127.9.9.9")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.7", "cage-pc")))


def test_the_address_with_which_a_browser_is_opened_counts_once():
    once = "o" * 43
    guard = Guard(inner, TOKEN, own_names("127.0.0.1"), once=once)
    assert ask(guard, cookie=f"{guard.cookie}={once}")[0] == 403
    assert ask(guard, query=f"token={once}", kind="websocket", origin=f"http://{HOST}") == "websocket.close"
    status, headers, _ = ask(guard, query=f"token={once}")
    assert status == 303
    assert headers["set-cookie"].startswith(f"{guard.cookie}={TOKEN};")
    assert ask(guard, query=f"token={once}")[0] == 403
    assert ask(guard, query=f"token={TOKEN}")[0] == 303
    assert ask(Guard(inner, TOKEN, own_names("127.0.0.1")), query="token=")[0] == 403


def test_cookies_of_servers_that_were_here_before_do_not_pile_up(guard):
    others = [f"dlc-{number:012x}" for number in range(12)]
    sent = "; ".join(f"{name}=x" for name in ("session", *others, "dlc-theme"))
    told = []

    async def send(message):
        told.append(message)

    scope = {
        "type": "http", "method": "GET", "path": "/label", "raw_path": b"/label",
        "query_string": f"token={TOKEN}".encode(), "headers": [(b"host", HOST.encode()), (b"cookie", sent.encode())],
    }  # fmt: skip
    asyncio.run(guard(scope, None, send))
    cookies = [value.decode() for name, value in told[0]["headers"] if name == b"set-cookie"]
    removed = [cookie.split("=")[0] for cookie in cookies if "Max-Age=0" in cookie]
    assert removed == others[:-7], "browsers send the oldest first; a few other servers may live"
    assert cookies[0].startswith(f"{guard.cookie}={TOKEN};")


@pytest.mark.parametrize("other", ['a={"b": "c d"}', "lonely", "=x", 'q="', "[]=1", "ä=ö", ";;"])
def test_cookies_of_other_programs_on_this_machine_lock_nobody_out(guard, cookie, other):
    assert ask(guard, cookie=f"{other}; {cookie}; {other}")[0] == 200
    assert ask(guard, cookie=f"{other}; x{cookie}")[0] == 403
