"""A client made while the instance had eleven fields, before `size` came. It still signs up and in and reads itself.
Where the new field is required, it is asked for it in a form that it can read."""

import datetime
import sys

from made import AuthenticatedClient, Client
from made.api.attempts import answer, signin, signup
from made.api.me import me
from made.models import AnswerRequest, Asking, Done, Me, ProfileRequest, SigninRequest, SignupRequest

BASE, MODE, NUMBER = sys.argv[1:]
PASSWORD = "plum-lantern-orbit-42"


def is_a(found, kind):
    assert type(found) is kind, found
    return found


class Filled(ProfileRequest):
    """What a form made of `fields` sends: the generated type knows the fields of its day alone."""

    def __init__(self, fields):
        self.fields = fields

    def to_dict(self):
        return self.fields


assert not hasattr(ProfileRequest(), "size")
client = Client(base_url=BASE)
profile = ProfileRequest(birthday=datetime.date(1915, 12, 10), children=2)
came = signup.sync(client=client, body=SignupRequest(employee_no=NUMBER, password=PASSWORD, profile=profile))
if MODE == "required":
    asked = is_a(came, Asking)
    assert [ask.secret for ask in asked.ask] == ["profile"], asked
    (field,) = asked.ask[0].fields
    assert (field.name, field.label, field.required) == ("size", "Size of T-shirts", True), field
    form = AnswerRequest(profile=Filled({field.name: field.schema["enum"][1]}))
    came = answer.sync(asked.attempt, client=client, body=form)
done = is_a(came, Done)

signed = is_a(signin.sync(client=client, body=SigninRequest(employee_no=NUMBER, password=PASSWORD)), Done)
assert signed.user.id == done.user.id
read = is_a(me.sync(client=AuthenticatedClient(base_url=BASE, token=signed.access_token)), Me)
assert (read.profile.birthday, read.profile.children) == (datetime.date(1915, 12, 10), 2), read
assert read.profile.additional_properties == ({"size": "m"} if MODE == "required" else {}), read
print("ok")
