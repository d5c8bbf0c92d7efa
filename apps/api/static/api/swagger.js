// Starts Swagger UI over the schema that the page names. Tokens entered there stay in the page.
const place = document.getElementById("swagger");
window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [window.SwaggerUIBundle.presets.apis],
});
