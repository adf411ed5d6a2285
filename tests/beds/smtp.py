"""Two mail servers on free ports of 127.0.0.1: one asks for STARTTLS, one speaks TLS from the first byte.

usage: smtp.py FOLDER    with cert.pem and key.pem in it; ca.pem is what a client trusts

Both want AUTH, as mailer with the password s3cret. A mail that is taken becomes a line of FOLDER/mails.jsonl:
from, to (a list), tls, auth, data (as it was sent). The local part of a recipient may ask for something else:
reject@ is refused for good (550), policy@ and access@ without a word of whose fault it is (554), content@ once the mail
was read (554), later@ for now (451), drop@ has the connection cut.
"""
import asyncio
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

FOLDER = sys.argv[1]
MAILS = f"{FOLDER}/mails.jsonl"


class Postbox:
    """Answers to recipients, and keeps what is taken."""

    async def handle_RCPT(self, server, session, envelope, address, options):
        who = address.partition("@")[0]
        if who == "reject":
            return "550 5.1.1 no such mailbox"
        if who == "policy":
            return "554 Message rejected"
        if who == "access":
            return "550 5.4.1 Recipient address rejected: Access denied"
        if who == "later":
            return "451 4.7.1 come back later"
        if who == "drop":
            server.transport.abort()
            return "421 4.3.0 gone"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 fine"

    async def handle_DATA(self, server, session, envelope):
        if envelope.rcpt_tos[0].startswith("content@"):
            return "554 5.7.1 refused for what it says"
        mail = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "tls": server.transport.get_extra_info("ssl_object") is not None,
            "auth": bool(session.authenticated),
            "data": envelope.content.decode("utf-8", "replace"),
        }
        with open(MAILS, "a", encoding="utf-8") as mails:
            mails.write(json.dumps(mail) + "\n")
        return "250 2.0.0 Ok: queued as A1B2C3"


def known(server, session, envelope, mechanism, given):
    return AuthResult(success=given.login == b"mailer" and given.password == b"s3cret", handled=False)


async def main():
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trust.load_cert_chain(f"{FOLDER}/cert.pem", f"{FOLDER}/key.pem")
    common = {"hostname": "localhost", "authenticator": known, "auth_required": True}
    loop = asyncio.get_running_loop()

    def starttls():
        return SMTP(Postbox(), tls_context=trust, require_starttls=True, **common)

    def implicit():
        return SMTP(Postbox(), auth_require_tls=False, **common)

    servers = {
        "SMTP": await loop.create_server(starttls, "127.0.0.1", 0),
        "SMTPS": await loop.create_server(implicit, "127.0.0.1", 0, ssl=trust),
    }
    open(MAILS, "a").close()
    for name, server in servers.items():
        print("MULTAUTH_TEST_{}={}:{}".format(name, *server.sockets[0].getsockname()))
    print(f"MULTAUTH_TEST_SMTP_MAILS={MAILS}")
    print(f"MULTAUTH_TEST_SMTP_CA={FOLDER}/ca.pem")
    print("ready", flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
