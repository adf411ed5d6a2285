"""SNS and SES by moto on a free port of 127.0.0.1, with one user.

Signatures (SigV4) and permissions (IAM) are checked: the user may sns:Publish and ses:SendEmail, and nothing else.
Senders at example.org and example.com are verified, others are refused. What was sent can be read at
/moto-api/data.json; /moto-api/reset would take the user away.
"""
import json
import os
import threading

REGION = "us-east-1"
SENDERS = ["example.org", "example.com"]
# The calls of `prepare`: moto lets so many through before it begins to check.
os.environ["INITIAL_NO_AUTH_ACTION_COUNT"] = str(3 + len(SENDERS))

import boto3  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402


def prepare(endpoint):
    """Makes the user and verifies the senders; gives the user's key."""
    world = {
        "endpoint_url": endpoint,
        "region_name": REGION,
        "aws_access_key_id": "nobody",
        "aws_secret_access_key": "nothing",
    }
    iam, ses = boto3.client("iam", **world), boto3.client("ses", **world)
    actions = ["sns:Publish", "ses:SendEmail", "ses:SendRawEmail"]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.create_user(UserName="multauth")
    key = iam.create_access_key(UserName="multauth")["AccessKey"]
    iam.put_user_policy(UserName="multauth", PolicyName="send", PolicyDocument=json.dumps(policy))
    for domain in SENDERS:
        ses.verify_domain_identity(Domain=domain)
    return key


server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
endpoint = "http://{}:{}".format(*server.get_host_and_port())
key = prepare(endpoint)
print(f"MULTAUTH_TEST_AWS={endpoint}")
print(f"MULTAUTH_TEST_AWS_REGION={REGION}")
print(f"MULTAUTH_TEST_AWS_KEY={key['AccessKeyId']}")
print(f"MULTAUTH_TEST_AWS_SECRET={key['SecretAccessKey']}")
print("ready", flush=True)
threading.Event().wait()
