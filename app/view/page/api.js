/** Requests to the view; the token, where it asks for one, is kept in this tab only. */

import { byId } from "./dom.js";

const TOKEN = "streakline-token";
const UNAUTHORIZED = 401;

/** An answer that is none: `status` is HTTP's, 0 where nobody answered. */
export class Problem extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** The event time up to which the newest answer is complete, if the view said so. */
export let asOf = null;

/** Return what the view answers, as JSON. Raises `Problem`. */
export async function get(path) {
  const response = await open(path);
  asOf = response.headers.get("Streakline-As-Of") ?? asOf;
  return response.json();
}

/** Return an answer that is good; asks for the token where one is missing, for as long as it takes. */
export async function open(path, { headers = {}, signal } = {}) {
  for (;;) {
    const token = sessionStorage.getItem(TOKEN);
    const response = await ask(path, token ? { ...headers, Authorization: `Bearer ${token}` } : headers, signal);
    if (response.ok) return response;
    if (response.status !== UNAUTHORIZED) throw new Problem(response.status, await titleOf(response));
    if (sessionStorage.getItem(TOKEN) === token) await signIn();
  }
}

async function ask(path, headers, signal) {
  try {
    return await fetch(path, { headers, signal, cache: "no-store" });
  } catch (error) {
    throw new Problem(0, String(error));
  }
}

async function titleOf(response) {
  try {
    const { detail, title } = await response.json();
    return detail ?? title ?? response.statusText;
  } catch {
    return response.statusText;
  }
}

let signingIn = null;

/** Ask for the token; all who need it wait for the same form. */
function signIn() {
  signingIn ??= new Promise((resolve) => {
    const dialog = byId("sign-in");
    const field = byId("token");
    field.value = "";
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => resolve(field.value), { once: true });
    dialog.showModal();
  }).then((token) => {
    sessionStorage.setItem(TOKEN, token);
    signingIn = null;
  });
  return signingIn;
}
