// Who calls. On one's own machine the gateway knows; deployed, a Cognito user pool does: authorization code with PKCE
// (RFC 7636). Tokens are kept for this tab alone.
// docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html and token-endpoint.html

import { byId } from "./elements.js";

const HOME = new URL("./", document.baseURI).href;
const TOKENS = "sign-in-tokens";
const ATTEMPT = "sign-in-attempt";
let pool = null;
let renewal = null;

const stored = (name) => JSON.parse(sessionStorage.getItem(name));
const store = (name, value) => sessionStorage.setItem(name, JSON.stringify(value));

/** True when the API may be asked: signed in, or nobody has to, where `signIn` is null. */
export async function signedIn(signIn) {
  pool = signIn;
  if (!pool) return true;
  byId("sign-in-button").addEventListener("click", begin);
  byId("sign-out").addEventListener("click", signOut);
  await finish();
  const known = Boolean(stored(TOKENS));
  byId("sign-out").hidden = !known;
  if (!known) signInAgain();
  return known;
}

/** The header that says who calls. */
export const authorization = () => (pool && stored(TOKENS) ? { Authorization: stored(TOKENS).id } : {});

/** A new token for one that ran out; false where that takes a new sign-in. Throws where nobody could be asked. */
export async function renew() {
  const refresh = pool && stored(TOKENS)?.refresh;
  if (!refresh) return false;
  renewal ??= exchange({ grant_type: "refresh_token", refresh_token: refresh }).finally(() => (renewal = null));
  return renewal;
}

export function signInAgain() {
  if (!pool) return;
  sessionStorage.removeItem(TOKENS);
  document.body.classList.add("signed-out");
  byId("sign-in").hidden = false;
  byId("sign-in-button").focus();
}

async function begin() {
  const attempt = { verifier: random(), state: random(), hash: location.hash };
  store(ATTEMPT, attempt);
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(attempt.verifier));
  const query = new URLSearchParams({
    response_type: "code",
    client_id: pool.client_id,
    redirect_uri: HOME,
    scope: "openid",
    state: attempt.state,
    code_challenge_method: "S256",
    code_challenge: base64Url(new Uint8Array(digest)),
  });
  location.assign(`${pool.url}/oauth2/authorize?${query}`);
}

/** Coming back from the sign-in page: an answer to another attempt than this tab's own is ignored. */
async function finish() {
  const query = new URLSearchParams(location.search);
  const attempt = stored(ATTEMPT);
  if (!query.has("state")) return;
  sessionStorage.removeItem(ATTEMPT);
  history.replaceState(null, "", HOME + (attempt?.hash ?? ""));
  if (attempt?.state !== query.get("state")) return;
  const code = query.get("code");
  const grant = { grant_type: "authorization_code", code, code_verifier: attempt.verifier };
  const done = code && (await exchange(grant).catch(() => false));
  if (!done) byId("sign-in-note").textContent = "Signing in did not succeed. Please try again.";
}

async function exchange(grant) {
  const body = new URLSearchParams({ ...grant, client_id: pool.client_id, redirect_uri: HOME });
  const response = await fetch(`${pool.url}/oauth2/token`, { method: "POST", body });
  if (response.status >= 500) throw new Error("The sign-in is away.");
  if (!response.ok) return false;
  const tokens = await response.json();
  store(TOKENS, { id: tokens.id_token, refresh: tokens.refresh_token ?? grant.refresh_token });
  return true;
}

function signOut() {
  sessionStorage.clear();
  location.assign(`${pool.url}/logout?${new URLSearchParams({ client_id: pool.client_id, logout_uri: HOME })}`);
}

const random = () => base64Url(crypto.getRandomValues(new Uint8Array(32)));

const base64Url = (bytes) =>
  btoa(String.fromCharCode(...bytes)).replace(/[+/=]/g, (character) => ({ "+": "-", "/": "_", "=": "" })[character]);
