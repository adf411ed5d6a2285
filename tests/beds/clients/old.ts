// A client made while the instance had eleven fields, before `size` came. It still signs up and in and reads itself. Where
// the new field is required, it is asked for it in a form that it can read.

import createClient from "openapi-fetch";
import type { components, paths } from "./schema";

const [base, mode, number] = process.argv.slice(2) as [string, "optional" | "required", string];
const api = createClient<paths>({ baseUrl: base });
const password = "plum-lantern-orbit-42";
// @ts-expect-error: it does not know the field
const unknown: components["schemas"]["ProfileRequest"] = { size: "m" };
void unknown;

let answer = await api.POST("/v1/signup", {
    body: { employee_no: number, password, profile: { birthday: "1915-12-10", children: 2 } },
});
if (mode === "required") {
    if (answer.data?.state !== "ask") throw new Error(JSON.stringify(answer.error ?? answer.data));
    const ask = answer.data.ask[0]!;
    const field = ask.fields?.[0];
    if (ask.secret !== "profile" || field?.name !== "size") throw new Error(JSON.stringify(ask));
    // Enough to draw a form: what it is called, and what it may hold.
    const schema = field.schema as { type: string; enum: string[] };
    if (!field.required || field.label !== "Size of T-shirts") throw new Error(JSON.stringify(field));
    const profile = { [field.name]: schema.enum[1] };
    const path = { attempt: answer.data.attempt };
    answer = await api.POST("/v1/attempts/{attempt}", { params: { path }, body: { profile } });
}
if (answer.data?.state !== "done") throw new Error(JSON.stringify(answer.error ?? answer.data));

const signed = await api.POST("/v1/signin", { body: { employee_no: number, password } });
if (signed.data?.state !== "done") throw new Error(JSON.stringify(signed.error ?? signed.data));
const me = await api.GET("/v1/me", { headers: { authorization: `Bearer ${signed.data.access_token}` } });
if (me.data?.profile.birthday !== "1915-12-10" || me.data.profile.children !== 2) {
    throw new Error(JSON.stringify(me.error ?? me.data));
}
console.log("ok");
