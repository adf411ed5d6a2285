"""A client of openapi-python-client, made for an instance with twelve fields and employee numbers: signs up with all
of them, signs in by the number, reads and changes the profile."""

import datetime
import json
import re
import sys
import time
import urllib.request

from made import AuthenticatedClient, Client
from made.api.attempts import answer, signin, signup
from made.api.me import change_me, me
from made.models import (
    AnswerRequest, Asking, ChangeMeRequest, Done, Me, Problem, Profile, ProfileAddress, ProfileRequest,
    ProfileRequestSizeType1, ProfileSize, SigninRequest, SignupRequest,
)
from made.types import UNSET

BASE = sys.argv[1]
EMAIL, PASSWORD = "grace@example.org", "plum-lantern-orbit-42"


def code(to):
    """The code of the last message to that address."""
    for _ in range(200):
        asked = urllib.request.Request(f"{BASE}/dev/inbox", headers={"accept": "application/json"})
        with urllib.request.urlopen(asked) as inbox:
            for message in json.load(inbox):
                found = re.search(r"\b\d{6}\b", message["text"])
                if message["to"] == to and found:
                    return found[0]
        time.sleep(0.05)
    raise AssertionError("no code came")


def is_a(found, kind):
    assert type(found) is kind, found
    return found


client = Client(base_url=BASE)
sent = {
    "first_name": "Grace", "last_name": "Hopper", "language": "en", "birthday": "1906-12-09",
    "member_number": "PY-1234", "children": 0, "height": 1.68, "newsletter": True, "size": "s",
    "interests": ["ships", "bugs"], "address": {"street": "1 Navy Yard", "city": "Arlington", "country": "US"},
}
profile = ProfileRequest.from_dict(sent)
assert profile.birthday == datetime.date(1906, 12, 9) and profile.to_dict() == sent

body = SignupRequest(email=EMAIL, employee_no="E5678", password=PASSWORD, profile=profile)
asked = is_a(signup.sync(client=client, body=body), Asking)
assert [ask.secret for ask in asked.ask] == ["passcode"], asked
first = is_a(answer.sync(asked.attempt, client=client, body=AnswerRequest(passcode=code(EMAIL))), Done)

signed = is_a(signin.sync(client=client, body=SigninRequest(employee_no="e 5678", password=PASSWORD)), Done)
assert signed.user.id == first.user.id
known = AuthenticatedClient(base_url=BASE, token=signed.access_token)

read = is_a(me.sync(client=known), Me)
assert (read.email, read.employee_no) == (EMAIL, "E5678"), read
shown = is_a(read.profile, Profile)
assert shown.to_dict() == {**sent, "credit": 0}, shown
assert is_a(shown.birthday, datetime.date) == datetime.date(1906, 12, 9)
assert is_a(shown.size, ProfileSize) == ProfileSize.S
assert is_a(shown.interests, list) == ["ships", "bugs"]
assert is_a(shown.address, ProfileAddress).city == "Arlington"
assert (is_a(shown.children, int), is_a(shown.height, float), is_a(shown.newsletter, bool)) == (0, 1.68, True)

change = ProfileRequest(
    birthday=datetime.date(1907, 1, 31), children=None, interests=[], size=ProfileRequestSizeType1.XL
)
changed = is_a(change_me.sync(client=known, body=ChangeMeRequest(profile=change)), Me).profile
assert changed.birthday == datetime.date(1907, 1, 31) and changed.interests == [], changed
assert changed.children is UNSET and changed.size is ProfileSize.XL and changed.first_name == "Grace", changed

wrong = ChangeMeRequest(profile=ProfileRequest(height=3.0, first_name="x" * 31))
refused = is_a(change_me.sync(client=known, body=wrong), Problem)
told = sorted((error.field, error.code) for error in refused.errors)
assert (refused.code, told) == (
    "invalid_request", [("profile.first_name", "too_long"), ("profile.height", "too_large")]
), refused
print("ok")
