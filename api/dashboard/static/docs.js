// The API page: Swagger UI on this service's OpenAPI document.
window.ui = SwaggerUIBundle({ url: `${document.documentElement.dataset.root}/openapi.json`, dom_id: "#swagger-ui", deepLinking: true, validatorUrl: null });
