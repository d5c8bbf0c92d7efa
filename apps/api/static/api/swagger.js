// Starts Swagger UI over the schema that the page names. Tokens entered there stay in the page.
const element = document.getElementById("swagger");
window.SwaggerUIBundle({
  url: element.dataset.schema,
  domNode: element,
  deepLinking: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [window.SwaggerUIBundle.presets.apis],
});
