"""Reading `[serve]`: who may call us over HTTP."""

from collections.abc import Collection

from bucketrelay.config.reading import did_you_mean, in_quotes
from bucketrelay.config.tables import Table
from bucketrelay.config.values import Secret, ServeConfig


def read_serve(table: Table, stores: Collection[str]) -> ServeConfig:
    """The section; *stores* are the names of all stores in the file."""
    token, read_token = _token(table, "token"), _token(table, "read_token")
    if token and token == read_token and not table.lacks("token"):
        table.mistake("read_token", "is the same as token: whoever may look could change things, too")
    user, password = table.text("user"), table.secret("password")
    certificate, key = table.file("certificate"), table.file("key")
    for one, other in (("user", "password"), ("password", "user"), ("certificate", "key"), ("key", "certificate")):
        if one in table and other not in table:
            table.mistake(other, f"is missing: {one} means nothing without it")
    if user and ":" in user.value:
        table.mistake("user", "has a : in it, which ends the name in a basic authorization: choose another")
    default = table.text("coms_default")
    if default and default.value not in stores:
        hint = did_you_mean(default.written, stores)
        table.mistake("coms_default", f"no store is named {in_quotes(default.written)}{hint}")
    table.close()
    return ServeConfig(
        token, read_token, user.value if user else "", password, certificate, key, default.value if default else ""
    )


def _token(table: Table, key: str) -> Secret | None:
    token = table.secret(key)
    if token and (not token.reveal().isascii() or " " in token.reveal()):
        table.mistake(key, "has a blank or a character that is not ASCII, which no header takes: openssl rand -hex 32")
    return token
