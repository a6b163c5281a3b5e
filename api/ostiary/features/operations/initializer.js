// Starts Swagger UI. In the development profile examples.js stands before this, and fills in live tokens.
"use strict";

// Swagger UI has a dark scheme, and leaves to the page when to use it.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();

// The dialog of Authorize opens with the focus in the last of its fields, and on a small screen scrolled down to it.
function beginAtTheTop(dialog) {
  dialog.querySelector("input")?.focus({ preventScroll: true });
  dialog.querySelector(".modal-ux-content")?.scrollTo(0, 0);
}

new MutationObserver((changes) => {
  const added = changes.flatMap(({ addedNodes }) => [...addedNodes]);
  added.filter((node) => node instanceof Element && node.matches(".dialog-ux")).forEach(beginAtTheTop);
}).observe(document.getElementById("swagger-ui"), { childList: true, subtree: true });

window.ui = SwaggerUIBundle({
  url: new URL("openapi.json", document.baseURI).href,
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.credentials = "omit"; // else the browser asks for a password itself where the server wants Basic
    return window.fillExamples?.(request) ?? request;
  },
  responseInterceptor: (response) => window.showVersions?.(response) ?? response,
});
