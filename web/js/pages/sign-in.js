// The sign-in page: a user id is enough, the server's development endpoint gives the token.

import { APIError } from "../api.js";
import { badge } from "../badges.js";
import { h, replaceContent } from "../dom.js";
import { icon } from "../components/icons.js";

const reasons = {
  "expired": "Your session has ended. Sign in again to continue.",
  "elsewhere": "You signed out in another tab.",
  "signed-out": "You are signed out. See you soon.",
};

const showcase = [
  { vendor: "AWS", id: "SAA-C03" }, { vendor: "Microsoft", id: "AZ-104" }, { vendor: "ISC2", id: "CISSP" },
  { vendor: "Google", id: "GCP-PCA" }, { vendor: "Terraform", id: "TF-003" }, { vendor: "Cisco", id: "200-301" },
];

export function signInPage(app) {
  const reason = reasons[app.signInReason];
  const message = h("p", { class: "form-error", id: "sign-in-error", role: "alert" });
  const input = h("input", {
    "class": "text-input", "id": "user-id", "name": "username", "autocomplete": "username", "autocapitalize": "characters", "spellcheck": "false",
    "required": true, "maxlength": 64, "placeholder": app.config.defaultUserId, "aria-describedby": "user-id-hint sign-in-error", "data-testid": "sign-in-user",
  });
  const submit = h("button", { "class": "button button-primary button-wide", "data-testid": "sign-in-submit" }, "Sign in");

  async function signIn(event) {
    event.preventDefault();
    const userId = input.value.trim();
    if (userId === "") return fail("Enter your user id.");
    submit.setAttribute("aria-busy", "true");
    submit.disabled = true;
    replaceContent(message);
    try {
      app.session.begin(await app.api.signIn(userId));
    } catch (error) {
      return fail(error instanceof APIError && error.status === 400 ? "That user id is not valid." : error.message);
    } finally {
      submit.removeAttribute("aria-busy");
      submit.disabled = false;
    }
    const path = app.returnPath ?? "/products";
    app.returnPath = null;
    app.signInReason = null;
    return app.router.replace(path);
  }
  function fail(text) {
    replaceContent(message, text);
    input.setAttribute("aria-invalid", "true");
    input.focus();
  }

  const node = h("div", { class: "sign-in" },
    h("section", { class: "sign-in-panel" },
      h("h1", { class: "sign-in-title" }, "Welcome back"),
      h("p", { class: "muted" }, "Sign in to browse the catalogue and follow your orders live."),
      reason && h("p", { "class": "notice", "role": "status", "data-testid": "sign-in-reason" }, icon("info"), reason),
      h("form", { class: "form", novalidate: true, on: { submit: signIn } },
        h("label", { class: "field", for: "user-id" }, h("span", { class: "field-label" }, "User id")), input,
        h("p", { id: "user-id-hint", class: "hint" }, "For example ", h("button", {
          "type": "button", "class": "hint-button", "on": { click: () => { input.value = app.config.defaultUserId; input.focus(); } },
        }, app.config.defaultUserId), ". No password in this demonstration shop."),
        message, submit)),
    h("div", { "class": "sign-in-art", "aria-hidden": "true" }, showcase.map((each) => h("div", { class: "sign-in-badge" }, badge(each)))));
  return { title: "Sign in", node };
}
