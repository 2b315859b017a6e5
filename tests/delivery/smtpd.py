"""A mail server for one test: `smtpd.py MODE [CERT KEY]`. It says its port, then each mail that it takes, as JSON.

Modes: plain takes what comes; starttls and implicit want TLS and the password "open sesame"; refuse refuses the
recipient for good, busy for now; mute takes the connection and says nothing.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

mode, *files = sys.argv[1:]


class Handler:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if mode == "refuse":
            return "550 no such user here"
        if mode == "busy":
            return "450 try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        parts = {part.get_content_type(): part.get_content() for part in mail.iter_parts()}
        defects = [str(defect) for part in mail.walk() for defect in part.defects]
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "headers": dict(mail.items()), "parts": parts,
            "defects": defects, "tls": server.transport.get_extra_info("ssl_object") is not None, "user": session.auth_data,
        }), flush=True)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, login):
    right = login.login == b"phonewatch" and login.password == b"open sesame"
    return AuthResult(success=right, handled=False, auth_data=login.login.decode())


class Mute(asyncio.Protocol):
    pass


def make():
    if mode == "mute":
        return Mute()
    wants = {"auth_required": True, "authenticator": authenticate} if files else {}
    if mode == "starttls":
        wants |= {"tls_context": context, "require_starttls": True}
    if mode == "implicit":
        wants |= {"auth_require_tls": False}
    return SMTP(Handler(), hostname="localhost", **wants)


async def main():
    server = await asyncio.get_running_loop().create_server(
        make, "127.0.0.1", 0, ssl=context if mode == "implicit" else None)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if files:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*files)
asyncio.run(main())
