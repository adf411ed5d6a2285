// A client of openapi-typescript and openapi-fetch, made for an instance with twelve fields and employee numbers:
// signs up with all of them, signs in by the number, reads and changes the profile. Its types are half of the test.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

type Profile = components["schemas"]["Profile"];
type Sent = components["schemas"]["ProfileRequest"];
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

// Each field is of the type that the settings give it: one that is not does not compile.
const types: {
    first_name: Same<Profile["first_name"], string | undefined>;
    birthday: Same<Profile["birthday"], string | undefined>;
    children: Same<Profile["children"], number | undefined>;
    height: Same<Profile["height"], number | undefined>;
    newsletter: Same<Profile["newsletter"], boolean | undefined>;
    size: Same<Profile["size"], "s" | "m" | "l" | "xl" | undefined>;
    interests: Same<Profile["interests"], string[] | undefined>;
    address: Same<NonNullable<Profile["address"]>, { city: string; country?: string; street?: string }>;
    credit: Same<Profile["credit"], number | undefined>;
    sentSize: Same<Sent["size"], "s" | "m" | "l" | "xl" | null | undefined>;
} = {
    first_name: true, birthday: true, children: true, height: true, newsletter: true, size: true, interests: true,
    address: true, credit: true, sentSize: true,
};
void types;
// @ts-expect-error: a size that there is not
const noSize: Sent = { size: "xs" };
// @ts-expect-error: a number is no text
const noNumber: Sent = { children: "3" };
// @ts-expect-error: users do not write it
const readOnly: Sent = { credit: 1 };
// @ts-expect-error: an address has a city
const noCity: Sent = { address: { street: "x" } };
void [noSize, noNumber, readOnly, noCity];

const base = process.argv[2]!;
const api = createClient<paths>({ baseUrl: base });

function same(found: unknown, expected: unknown, what: string) {
    const sorted = (value: unknown): unknown =>
        value && typeof value === "object" && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).sort().map(([key, inner]) => [key, sorted(inner)]))
            : value;
    const [left, right] = [JSON.stringify(sorted(found)), JSON.stringify(sorted(expected))];
    if (left !== right) throw new Error(`${what}: ${left}, not ${right}`);
}

/** The code of the last message to that address. */
async function code(to: string): Promise<string> {
    for (let n = 0; n < 200; n++) {
        const inbox = await fetch(`${base}/dev/inbox`, { headers: { accept: "application/json" } });
        const messages = (await inbox.json()) as { to: string; text: string }[];
        const found = messages.find((message) => message.to === to)?.text.match(/\b\d{6}\b/);
        if (found) return found[0];
        await new Promise((done) => setTimeout(done, 50));
    }
    throw new Error("no code came");
}

const profile = {
    first_name: "Ada", last_name: "Lovelace", language: "en", birthday: "1915-12-10", member_number: "TS-1234",
    children: 3, height: 1.61, newsletter: true, size: "m", interests: ["poetry", "engines"],
    address: { street: "St James's Square 12", city: "London", country: "GB" },
} satisfies Sent;
const email = "ada@example.org";
const password = "plum-lantern-orbit-42";

const asked = await api.POST("/v1/signup", { body: { email, employee_no: "E1234", password, profile } });
if (asked.data?.state !== "ask") throw new Error(JSON.stringify(asked.error ?? asked.data));
same(asked.data.ask.map((ask) => ask.secret), ["passcode"], "what is asked");
const path = { attempt: asked.data.attempt };
const first = await api.POST("/v1/attempts/{attempt}", { params: { path }, body: { passcode: await code(email) } });
if (first.data?.state !== "done") throw new Error(JSON.stringify(first.error ?? first.data));

const signed = await api.POST("/v1/signin", { body: { employee_no: "e-12 34", password } });
if (signed.data?.state !== "done") throw new Error(JSON.stringify(signed.error ?? signed.data));
same(signed.data.user.id, first.data.user.id, "who is signed in");

const headers = { authorization: `Bearer ${signed.data.access_token}` };
const me = await api.GET("/v1/me", { headers });
if (!me.data) throw new Error(JSON.stringify(me.error));
same(me.data.profile, { ...profile, credit: 0 }, "the profile");
same([me.data.email, me.data.employee_no], [email, "E1234"], "the identifiers");

const change = { birthday: "1916-01-31", children: null, size: "xl", interests: [], address: { city: "Paris" } } satisfies Sent;
const changed = await api.PATCH("/v1/me", { headers, body: { profile: change } });
if (!changed.data) throw new Error(JSON.stringify(changed.error));
const { children: _, ...kept } = { ...profile, ...change, credit: 0 };
same(changed.data.profile, kept, "the changed profile");

// What the types refuse the instance refuses as well, and the refusal is typed.
const wrong = { size: "xs", credit: 1 } as unknown as Sent;
const refused = await api.PATCH("/v1/me", { headers, body: { profile: wrong } });
const told = refused.error?.errors?.map((error) => `${error.field} ${error.code}`).sort();
same([refused.error?.code, told], ["invalid_request", ["profile.credit read_only", "profile.size not_one_of"]], "refusal");
console.log("ok");
