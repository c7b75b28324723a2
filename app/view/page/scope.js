/** Which scope is shown: it is in the address, so that it can be kept, sent and gone back to. */

import { byId, h, swap } from "./dom.js";

const GATEWAY = "gateway";

/** Return the scope of the address. */
export const current = () => new URLSearchParams(location.search).get("scope") ?? GATEWAY;

/** Return the address of a scope. */
export const addressOf = (scope) => (scope === GATEWAY ? "./" : `?scope=${encodeURIComponent(scope)}`);

/** A link to a scope. */
export const linkTo = (scope, text, attributes = {}) =>
  h("a", { href: addressOf(scope), "data-scope": scope, "data-key": scope, ...attributes }, text);

/** Call `changed` whenever another scope is chosen: by the form, a link, or going back. */
export function startScope(changed) {
  const go = (scope) => {
    history.pushState(null, "", addressOf(scope));
    changed();
  };
  byId("scope-form").addEventListener("submit", (event) => {
    event.preventDefault();
    go(wanted(byId("scope").value));
  });
  // A click into the field lists all scopes, not only those that match the present one.
  byId("scope").addEventListener("focus", (event) => event.target.select());
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-scope]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    go(link.dataset.scope);
  });
  addEventListener("popstate", changed);
}

/** Offer scopes for the field. */
export function offer(scopes) {
  swap(byId("scopes"), ...[GATEWAY, ...scopes].map((value) => h("option", { value })));
}

/** What was typed, as a scope: a bare name is a caller's. */
export function wanted(text) {
  const typed = text.trim();
  if (typed === "" || typed === GATEWAY) return GATEWAY;
  return typed.startsWith("caller:") ? typed : `caller:${typed}`;
}
