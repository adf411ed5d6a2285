"""Verifies calls with the library of Standard Webhooks: its payload, or the name of its error, for each call."""

import json
import sys

from standardwebhooks.webhooks import Webhook


def verified(secret, call):
    try:
        return Webhook(secret).verify(call["body"], call["headers"])
    except Exception as error:
        return {"refused": type(error).__name__}


given = json.loads(sys.argv[1])
print(json.dumps([verified(given["secret"], call) for call in given["calls"]]))
