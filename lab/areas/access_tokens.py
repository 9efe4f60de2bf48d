"""API tokens of users (pve-access-control, PVE/API2/User.pm)."""

import hashlib
import hmac
import time
import uuid

from fakepve.routing import die, param_error, split_list

from lab.areas.access_users import USER_CFG, AccessUsers
from lab.areas.area import Route, Values, without

OPTIONS = ("comment", "expire", "privsep")


def _hashed(secret: str) -> str:
    """What is kept of a secret: it is random, so a plain hash cannot be guessed back."""
    return hashlib.sha256(secret.encode()).hexdigest()


class AccessTokens(AccessUsers):
    """Tokens of `self.access["users"]`; part of the access area."""

    def token_routes(self) -> list[Route]:
        """Routes of /access/users/{userid}/token."""
        tokens = "/access/users/{userid}/token"
        one = f"{tokens}/{{tokenid}}"
        return [
            ("GET", tokens, self._token_list),
            ("GET", one, self._token_read),
            ("POST", one, self._token_create),
            ("PUT", one, self._token_update),
            ("DELETE", one, self._token_delete),
        ]

    def _token(self, values: Values) -> Values:
        token: Values | None = self.known_user(values["userid"])["tokens"].get(values["tokenid"])
        if token is None:
            raise die(f"no such token '{values['tokenid']}' for user '{values['userid']}'")
        return token

    def token_opens(self, full_id: str, secret: str) -> bool:
        """True if the token exists with this secret, and neither it nor its user is disabled or expired."""
        userid, _, name = full_id.partition("!")
        user = self.access["users"].get(userid)
        token = user and user["tokens"].get(name)
        if not token:
            # Not made here: a token that the lab was started with.
            return bool(super().token_opens(full_id, secret))
        now = time.time()
        alive = user["enable"] and all(not each["expire"] or each["expire"] > now for each in (user, token))
        return bool(alive) and hmac.compare_digest(token["secret"], _hashed(secret))

    async def _token_list(self, values: Values, _user: str) -> list[Values]:
        tokens = self.known_user(values["userid"])["tokens"]
        return [{"tokenid": name, **without(token, "secret")} for name, token in sorted(tokens.items())]

    async def _token_read(self, values: Values, _user: str) -> Values:
        return without(self._token(values), "secret")

    async def _token_create(self, values: Values, _user: str) -> Values:
        user = self.known_user(values["userid"])
        if values["tokenid"] in user["tokens"]:
            raise param_error(tokenid="Token already exists.")
        with self.locked(USER_CFG, "generating token failed: "):
            given = {key: values[key] for key in OPTIONS if values.get(key) is not None}
            secret = str(uuid.uuid4())
            user["tokens"][values["tokenid"]] = {
                "expire": 0,
                "privsep": 1,
                **given,
                "secret": _hashed(secret),
            }
        # What was sent comes back as text, a default as a number.
        info = {"privsep": 1, **{key: str(value) for key, value in given.items()}}
        return {"full-tokenid": f"{values['userid']}!{values['tokenid']}", "value": secret, "info": info}

    async def _token_update(self, values: Values, _user: str) -> Values:
        token = self._token(values)
        removed = split_list(values.get("delete"))
        for option in removed:
            if option != "comment":
                raise param_error(delete=f"unknown option '{option}'")
        with self.locked(USER_CFG, "updating token info failed: "):
            given = {key: values[key] for key in OPTIONS if values.get(key) is not None}
            token.update(given)
            for option in removed:
                token.pop(option, None)
            shown = {**without(token, "secret"), **{key: str(value) for key, value in given.items()}}
            if values.get("regenerate"):
                secret = str(uuid.uuid4())
                token["secret"] = _hashed(secret)
                shown |= {"full-tokenid": f"{values['userid']}!{values['tokenid']}", "value": secret}
        return shown

    async def _token_delete(self, values: Values, _user: str) -> None:
        with self.locked(USER_CFG, "deleting token failed: "):
            self._token(values)
            del self.access["users"][values["userid"]]["tokens"][values["tokenid"]]
            self.forget_subject("token", f"{values['userid']}!{values['tokenid']}")
