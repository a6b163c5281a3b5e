// Starts Swagger UI. In the development profile examples.js stands before this, and fills in live tokens.
"use strict";

// The contract's example of an Idempotency-Key is the same for everybody. Sent along, it would make one request of all
// that are pressed with it, so only a key that somebody has typed is sent.
function leaveOutExampleKey(request) {
  const operations = Object.values(window.ui?.specSelectors.specJson().toJS().paths ?? {}).flatMap(Object.values);
  const parameters = operations.flatMap((operation) => operation.parameters ?? []);
  const shown = parameters.find(({ name }) => name === "Idempotency-Key")?.example;
  if (request.headers?.["Idempotency-Key"] === shown) {
    delete request.headers?.["Idempotency-Key"];
  }
  return request;
}

window.ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor: (request) => (window.fillExamples ?? ((same) => same))(leaveOutExampleKey(request)),
});
