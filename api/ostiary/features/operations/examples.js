// Fills in what the contract's examples cannot hold: a live access token, refresh token, session, API key, user and role.
// Served in the development profile alone. Before it stands
//   const ADMINISTRATOR = {"username": "…", "password": "…"};   or null where there is no example administrator,
//   const CLIENT = {"id": "…", "secret": "…"};                  or null where there is no example client.
"use strict";

// What the page shows for a version. The contract has no example of one, since other tools would send it as it is.
const VERSION = '"9b2d4c1f0a7e4b3c8d5f6e7a1b0c9d8e"';

// Shows VERSION where a version is required. The first answer that the page gets is the contract.
window.showVersions = (response) => {
  window.showVersions = undefined;
  const contract = JSON.parse(response.text);
  const operations = Object.values(contract.paths).flatMap(Object.values);
  for (const parameter of operations.flatMap((operation) => operation.parameters ?? [])) {
    if (parameter.name === "If-Match" && parameter.required) {
      parameter.example = VERSION;
    }
  }
  response.text = JSON.stringify(contract);
  return response;
};

window.fillExamples = (() => {
  const JSON_TYPE = "application/json";
  const kept = new Map(); // by user name: the tokens of the session that requests are sent in

  const address = (path) => new URL(path, document.baseURI);

  const post = (path, body, headers = {}) =>
    fetch(address(path), {
      method: "POST",
      headers: { "Content-Type": JSON_TYPE, ...headers },
      body: JSON.stringify(body),
    });

  // The person whom POST /register has for an example.
  const exampleUser = (contract) => contract.paths["/register"].post.requestBody.content[JSON_TYPE].example;

  // Who has executed POST /me/password has the new password of its example: gives the example user the first one back.
  async function undoPasswordChange(person, contract) {
    const changed = contract.paths["/me/password"].post.requestBody.content[JSON_TYPE].example.new_password;
    const answer = await post("login", { ...person, password: changed });
    if (!answer.ok) {
      return false;
    }
    const bearer = { Authorization: `Bearer ${(await answer.json()).access_token}` };
    const back = { current_password: changed, new_password: person.password };
    return (await post("me/password", back, bearer)).ok;
  }

  // Begins a session and returns its tokens; null if the person cannot log in. contract: given for the example user,
  // who is registered if need be.
  async function logIn(person, contract) {
    let answer = await post("login", person);
    if (answer.status === 401 && contract) {
      if (!(await undoPasswordChange(person, contract))) {
        await post("register", person);
      }
      answer = await post("login", person);
    }
    return answer.ok ? answer.json() : null;
  }

  // Returns an access token that is good now. Asked each time, since a session ends in many ways.
  async function liveToken(person, contract) {
    const token = kept.get(person.username);
    if (token && (await fetch(address("protected"), { headers: { Authorization: `Bearer ${token}` } })).ok) {
      return token;
    }
    const tokens = await logIn(person, contract);
    kept.set(person.username, tokens?.access_token);
    return tokens?.access_token;
  }

  // Returns the contract's operation that a request is for, if there is one.
  function operationOf(request, contract) {
    const url = address(request.url);
    const base = address(".");
    if (url.origin !== base.origin || !url.pathname.startsWith(base.pathname)) {
      return undefined;
    }
    const path = `/${url.pathname.slice(base.pathname.length)}`;
    const fits = (template) => {
      const literals = template.split(/\{[^}]+\}/).map((part) => part.replace(/[.*+?^$()|[\]\\]/g, "\\$&"));
      return new RegExp(`^${literals.join("[^/]+")}$`).test(path);
    };
    const found = path in contract.paths ? path : Object.keys(contract.paths).find(fits);
    return contract.paths[found]?.[request.method.toLowerCase()];
  }

  // Puts the values of a session of its own where the request has those that POST /login shows as examples.
  async function replaceExamples(request, contract) {
    const shown = Object.entries(contract.components.schemas.TokenPair.properties)
      .map(([name, schema]) => [name, schema.example])
      .filter(([name]) => /token$|_id$/.test(name));
    const has = (example) => request.url.includes(example) || request.body?.includes?.(example);
    if (!shown.some(([, example]) => has(example))) {
      return;
    }
    const tokens = await logIn(exampleUser(contract), contract);
    for (const [name, example] of tokens ? shown : []) {
      request.url = request.url.replaceAll(example, tokens[name]);
      request.body = request.body?.replaceAll?.(example, tokens[name]) ?? request.body;
    }
  }

  // Puts an API key made for this where the request has the id that the contract shows.
  async function replaceApiKey(request, contract) {
    const shown = contract.components.schemas.ApiKey.properties.id.example;
    if (!request.url.includes(shown)) {
      return;
    }
    const tokens = await logIn(exampleUser(contract), contract);
    const body = contract.paths["/me/api-keys"].post.requestBody.content[JSON_TYPE].example;
    const made = await post("me/api-keys", body, { Authorization: `Bearer ${tokens?.access_token}` });
    if (made.ok) {
      request.url = request.url.replaceAll(shown, (await made.json()).id);
    }
  }

  // The lists of what administrators manage: how the contract names one of each, and how the list does.
  const MANAGED = { users: ["user_id", "username", "id"], roles: ["role_name", "name", "name"] };

  // Puts a user or role that is there, made for this if need be, and its present version, where the request has those
  // that the contract shows.
  async function replaceManaged(request, contract) {
    for (const [list, [parameter, name, id]] of ADMINISTRATOR ? Object.entries(MANAGED) : []) {
      const item = contract.paths[`/${list}/{${parameter}}`];
      const shown = `/${list}/${item.parameters.find((one) => one.name === parameter).example}`;
      if (!address(request.url).pathname.includes(shown)) {
        continue;
      }
      const bearer = { Authorization: `Bearer ${await liveToken(ADMINISTRATOR, null)}` };
      const get = (path) => fetch(address(path), { headers: bearer });
      const wanted = contract.paths[`/${list}`].post.requestBody.content[JSON_TYPE].example;
      const query = list === "users" ? `?search=${encodeURIComponent(wanted[name])}` : "";
      const there = (await (await get(`${list}${query}`)).json())[list].find((one) => one[name] === wanted[name]);
      const found = there ?? (await (await post(list, wanted, bearer)).json());
      request.url = request.url.replace(shown, `/${list}/${found[id]}`);
      if (request.headers["If-Match"] === VERSION) {
        request.headers["If-Match"] = (await get(`${list}/${found[id]}`)).headers.get("ETag");
      }
    }
  }

  const BEARER_SCHEMES = ["bearerAuth", "apiKeyAuth"];

  // Returns the token or key that somebody has typed into the dialog, in whichever of the two fields.
  function typedToken() {
    const typed = window.ui.authSelectors.authorized()?.toJS() ?? {};
    return BEARER_SCHEMES.map((scheme) => typed[scheme]?.value).find(Boolean);
  }

  // A token that somebody has typed into the dialog is sent as it is, also when it is no longer good, and also where the
  // operation takes only what the other field is for: a token of this page in its place would act as somebody else.
  async function authorize(request, operation, contract) {
    if (!operation.security?.length || request.headers.Authorization) {
      return;
    }
    const typed = typedToken();
    if (typed && operation.security.some((schemes) => BEARER_SCHEMES.some((scheme) => scheme in schemes))) {
      request.headers.Authorization = `Bearer ${typed}`;
      return;
    }
    if (operation.security.some((schemes) => "clientAuth" in schemes)) {
      if (CLIENT) {
        request.headers.Authorization = `Basic ${btoa(`${CLIENT.id}:${CLIENT.secret}`)}`; // nothing in it to escape
      }
      return;
    }
    // What every access token has is not listed there: a role is, and a scope that comes with one.
    const needsAdministrator = operation.security.some(({ bearerAuth = [] }) => bearerAuth.length);
    const token = await (needsAdministrator && ADMINISTRATOR
      ? liveToken(ADMINISTRATOR, null)
      : liveToken(exampleUser(contract), contract));
    if (request.method !== "GET") {
      kept.clear(); // the request may end the session
    }
    if (token) {
      request.headers.Authorization = `Bearer ${token}`;
    }
  }

  return async (request) => {
    if (request.loadSpec) {
      return request;
    }
    const contract = window.ui.specSelectors.specJson().toJS();
    const operation = operationOf(request, contract);
    if (operation) {
      await replaceExamples(request, contract);
      await replaceApiKey(request, contract);
      await replaceManaged(request, contract);
      await authorize(request, operation, contract);
    }
    return request;
  };
})();
