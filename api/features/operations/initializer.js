// Starts Swagger UI. In the development profile examples.js stands before this, and fills in live tokens.
"use strict";

window.ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor: window.fillExamples ?? ((request) => request),
});
