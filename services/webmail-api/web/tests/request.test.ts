import { describe, expect, it } from "vitest";
import { describeSetError, MethodError } from "../src/jmap/errors";
import { CORE, MAIL, RequestBuilder, responseOf, SUBMISSION } from "../src/jmap/request";
import { expand } from "../src/jmap/template";

describe("RequestBuilder", () => {
  it("numbers the calls, adds the account and refers to results", () => {
    const request = new RequestBuilder("A12");
    const query = request.call("Email/query", { limit: 50 });
    request.call("Email/get", { "#ids": query.ref("/ids") });
    expect(request.build()).toEqual({
      using: [CORE, MAIL],
      methodCalls: [
        ["Email/query", { accountId: "A12", limit: 50 }, "c0"],
        ["Email/get", { accountId: "A12", "#ids": { resultOf: "c0", name: "Email/query", path: "/ids" } }, "c1"],
      ],
    });
  });

  it("uses the submission capability only where it is needed", () => {
    const request = new RequestBuilder("A12");
    request.call("Identity/get", { ids: null });
    expect(request.build().using).toContain(SUBMISSION);
  });
});

describe("responseOf", () => {
  const request = new RequestBuilder("A12");
  const call = request.call<{ created: unknown }>("EmailSubmission/set", {});

  it("is not confused by the implicit Email/set of the same id", () => {
    const methodResponses: [string, Record<string, unknown>, string][] = [
      ["Email/set", { updated: {} }, "c0"],
      ["EmailSubmission/set", { created: { a: 1 } }, "c0"],
    ];
    expect(responseOf({ methodResponses }, call)).toEqual({ created: { a: 1 } });
  });

  it("throws what the server refused", () => {
    const methodResponses: [string, Record<string, unknown>, string][] = [["error", { type: "accountReadOnly" }, "c0"]];
    expect(() => responseOf({ methodResponses }, call)).toThrow(MethodError);
    expect(() => responseOf({ methodResponses: [] }, call)).toThrow(MethodError);
  });
});

it("expand encodes what it fills in", () => {
  const values = { accountId: "A12", blobId: "b/1", name: "ä b?.pdf", type: "text/plain" };
  expect(expand("/d/{accountId}/{blobId}/{name}?type={type}", values)).toBe(
    "/d/A12/b%2F1/%C3%A4%20b%3F.pdf?type=text%2Fplain",
  );
});

it("a SetError is told in words", () => {
  expect(describeSetError({ type: "mailboxHasChild" })).toContain("other folders");
  expect(describeSetError({ type: "invalidProperties", properties: ["name"] })).toContain("name");
  expect(describeSetError({ type: "invalidProperties", description: "the name is taken" })).toBe("The name is taken.");
  expect(describeSetError({ type: "somethingNew" })).toContain("somethingNew");
});
